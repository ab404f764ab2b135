// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/io/coded_stream.h>

#include <cstdint>
#include <string_view>

namespace etcdsync::etcd {

/// Walks the fields of one encoded protobuf message without copying: length-delimited fields come out as views.
/// After the end or an error next() is false; ok() tells which. Unknown fields are the caller's to skip().
class field_reader {
public:
    explicit field_reader(std::string_view message);

    /// Moves to the next field.
    bool next();

    [[nodiscard]] std::uint32_t number() const { return tag_ >> 3; }

    /// Offset of the current field's first byte.
    [[nodiscard]] std::size_t field_start() const { return start_; }

    /// The value of the current field. A wrong wire type is an error.
    std::uint64_t varint();
    std::int64_t integer() { return static_cast<std::int64_t>(varint()); }
    bool boolean() { return varint() != 0; }
    std::string_view bytes();
    void skip();

    [[nodiscard]] bool ok() const { return ok_; }

private:
    std::string_view message_;
    google::protobuf::io::CodedInputStream in_;
    std::uint32_t tag_ = 0;
    std::size_t start_ = 0;
    bool ok_ = true;
};

}  // namespace etcdsync::etcd
