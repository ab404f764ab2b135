// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace etcdsync::etcd {

/// Walks the fields of one encoded protobuf message without copying: length-delimited fields come out as views.
/// After the end or an error next() is false; ok() tells which. Unknown fields are the caller's to skip().
class field_reader {
public:
    explicit field_reader(std::string_view message) : message_(message) {}

    /// Moves to the next field.
    bool next();

    [[nodiscard]] std::uint32_t number() const { return tag_ >> 3U; }

    /// Offset of the byte behind what was read.
    [[nodiscard]] std::size_t position() const { return at_; }

    /// The value of the current field. A wrong wire type is an error.
    std::uint64_t varint();
    std::int64_t integer() { return static_cast<std::int64_t>(varint()); }
    bool boolean() { return varint() != 0; }
    std::string_view bytes();
    void skip();

    [[nodiscard]] bool ok() const { return ok_; }

    /// Nothing is wrong but that the message ends inside a field: where more of it is to come, all is well so far.
    [[nodiscard]] bool is_cut() const { return !ok_ && needed_ > 0; }

    /// Of a message that is cut: it has at least this many bytes.
    [[nodiscard]] std::size_t needed() const { return needed_; }

private:
    std::uint64_t read_varint();
    std::string_view take(std::uint64_t size);
    void skip_group(std::uint32_t group);
    bool goes_on(std::uint32_t group);
    void fail() { ok_ = false; }
    void fail_cut(std::size_t needed);
    [[nodiscard]] std::uint32_t wire_type() const { return tag_ & 7U; }

    std::string_view message_;
    std::size_t at_ = 0;
    std::size_t needed_ = 0;
    std::uint32_t tag_ = 0;
    unsigned depth_ = 0;  ///< of groups
    bool ok_ = true;
};

}  // namespace etcdsync::etcd
