// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace etcdsync::etcd {

/// Iterates over the fields of one encoded protobuf message without copying: length-delimited
/// fields are views. next() returns false at the end and after an error; ok() tells them apart. The
/// caller must skip() unknown fields.
class field_reader {
public:
    explicit field_reader(std::string_view message) : message_(message) {}

    /// Moves to the next field.
    bool next();

    [[nodiscard]] std::uint32_t number() const { return tag_ >> 3U; }

    /// Number of bytes read.
    [[nodiscard]] std::size_t position() const { return at_; }

    /// The value of the current field. A wrong wire type is an error.
    std::uint64_t varint();
    std::int64_t integer() { return static_cast<std::int64_t>(varint()); }
    bool boolean() { return varint() != 0; }
    std::string_view bytes();
    void skip();

    [[nodiscard]] bool ok() const { return ok_; }

    /// True if the only error is that the message ends inside a field. More bytes may complete it.
    [[nodiscard]] bool is_truncated() const { return !ok_ && min_size_ > 0; }

    /// The least size of a truncated message, in bytes; 0 if it is not truncated.
    [[nodiscard]] std::size_t min_size() const { return min_size_; }

private:
    std::uint64_t read_varint();
    std::string_view take(std::uint64_t size);
    void skip_group(std::uint32_t group);
    bool next_in_group(std::uint32_t group);
    void fail() { ok_ = false; }
    void fail_truncated(std::size_t min_size);
    [[nodiscard]] std::uint32_t wire_type() const { return tag_ & 7U; }

    std::string_view message_;
    std::size_t at_ = 0;
    std::size_t min_size_ = 0;
    std::uint32_t tag_ = 0;
    unsigned depth_ = 0;  ///< of nested groups
    bool ok_ = true;
};

}  // namespace etcdsync::etcd
