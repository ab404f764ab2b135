// SPDX-License-Identifier: Apache-2.0
#include "etcd/field_reader.hpp"

#include <google/protobuf/wire_format_lite.h>

namespace etcdsync::etcd {

using google::protobuf::internal::WireFormatLite;

field_reader::field_reader(std::string_view message)
    : message_(message), in_(reinterpret_cast<const std::uint8_t*>(message.data()), static_cast<int>(message.size())) {}

bool field_reader::next() {
    if (!ok_) return false;
    start_ = static_cast<std::size_t>(in_.CurrentPosition());
    tag_ = in_.ReadTag();
    if (tag_ == 0) {
        ok_ = start_ == message_.size();  // 0 means the end, or a malformed tag
        return false;
    }
    return true;
}

std::uint64_t field_reader::varint() {
    std::uint64_t value = 0;
    ok_ = ok_ && WireFormatLite::GetTagWireType(tag_) == WireFormatLite::WIRETYPE_VARINT && in_.ReadVarint64(&value);
    return value;
}

std::string_view field_reader::bytes() {
    std::uint32_t length = 0;
    ok_ = ok_ && WireFormatLite::GetTagWireType(tag_) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED &&
          in_.ReadVarint32(&length);
    const auto at = static_cast<std::size_t>(in_.CurrentPosition());
    ok_ = ok_ && length <= message_.size() - at && in_.Skip(static_cast<int>(length));
    return ok_ ? message_.substr(at, length) : std::string_view();
}

void field_reader::skip() { ok_ = ok_ && WireFormatLite::SkipField(&in_, tag_); }

}  // namespace etcdsync::etcd
