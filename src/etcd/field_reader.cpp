// SPDX-License-Identifier: Apache-2.0
#include "etcd/field_reader.hpp"

#include <limits>

namespace etcdsync::etcd {
namespace {

// protobuf's encoding: protobuf.dev/programming-guides/encoding.
enum wire : std::uint32_t { varint_value = 0, fixed64 = 1, delimited = 2, group_begin = 3, group_end = 4, fixed32 = 5 };

constexpr unsigned max_varint_size = 10;
// The limits of protobuf.
constexpr std::uint64_t max_field_size = std::numeric_limits<std::int32_t>::max();
constexpr unsigned max_group_depth = 100;

}  // namespace

void field_reader::fail_truncated(std::size_t min_size) {
    if (ok_) min_size_ = min_size;
    ok_ = false;
}

std::uint64_t field_reader::read_varint() {
    std::uint64_t value = 0;
    for (unsigned i = 0; ok_ && i < max_varint_size; ++i) {
        if (at_ == message_.size()) {
            fail_truncated(at_ + 1);
            return 0;
        }
        const auto byte = static_cast<unsigned char>(message_[at_++]);
        value |= std::uint64_t{byte & 0x7fU} << 7U * i;
        if (byte < 0x80U) return value;
    }
    fail();
    return 0;
}

std::string_view field_reader::take(std::uint64_t size) {
    if (size > max_field_size) fail();
    if (!ok_) return {};
    if (size > message_.size() - at_) {
        fail_truncated(at_ + static_cast<std::size_t>(size));
        return {};
    }
    const std::string_view bytes = message_.substr(at_, static_cast<std::size_t>(size));
    at_ += bytes.size();
    return bytes;
}

bool field_reader::next() {
    if (!ok_ || at_ == message_.size()) return false;
    const std::uint64_t tag = read_varint();
    if (tag > std::numeric_limits<std::uint32_t>::max()) fail();
    tag_ = static_cast<std::uint32_t>(tag);
    if (ok_ && number() == 0) fail();
    return ok_;
}

std::uint64_t field_reader::varint() {
    if (wire_type() != wire::varint_value) fail();
    return read_varint();
}

std::string_view field_reader::bytes() {
    if (wire_type() != wire::delimited) fail();
    const std::uint64_t size = read_varint();
    return take(size);
}

void field_reader::skip() {
    switch (wire_type()) {
        case wire::varint_value: read_varint(); break;
        case wire::fixed64: take(8); break;
        case wire::delimited: bytes(); break;
        case wire::group_begin: skip_group(number()); break;
        case wire::fixed32: take(4); break;
        default: fail();
    }
}

/// etcd sends no groups, but protobuf skips unknown ones, and so do we.
void field_reader::skip_group(std::uint32_t group) {
    if (++depth_ > max_group_depth) fail();
    while (next_in_group(group)) skip();
    --depth_;
}

bool field_reader::next_in_group(std::uint32_t group) {
    if (ok_ && at_ == message_.size()) fail_truncated(at_ + 1);
    if (!next()) return false;
    if (wire_type() != wire::group_end) return true;
    if (number() != group) fail();
    return false;
}

}  // namespace etcdsync::etcd
