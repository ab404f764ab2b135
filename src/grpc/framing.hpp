// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "grpc/status.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace etcdsync::grpc {

/// Length-prefixed messages (grpc/doc/PROTOCOL-HTTP2.md): 1 byte compressed flag, 4 bytes big-endian length.
inline constexpr std::size_t prefix_size = 5;

/// Writes the prefix of an uncompressed message of `size` bytes into the first five bytes of `out`.
void write_prefix(std::string& out, std::size_t size);

/// A message with its prefix, ready for a DATA frame.
[[nodiscard]] std::string frame(std::string_view message);

/// What a deframer tells; pieces of a message come as they arrive.
class message_sink {
public:
    virtual ~message_sink() = default;
    virtual void on_message_begin(std::size_t size) = 0;
    virtual void on_message_bytes(std::string_view bytes) = 0;
    virtual void on_message_end() = 0;
};

/// Cuts a response body into messages, whatever the chunks.
class deframer {
public:
    explicit deframer(std::size_t max_message) : max_message_(max_message) {}

    /// Fails on a compressed message, a bad flag or a length above the limit (checked before anything is stored).
    [[nodiscard]] base::result<void, status> feed(std::string_view bytes, message_sink& sink);

    /// True between messages: the body may end here.
    [[nodiscard]] bool at_boundary() const { return prefix_filled_ == 0 && !inside_; }

private:
    std::size_t max_message_;
    std::array<char, prefix_size> prefix_{};
    std::size_t prefix_filled_ = 0;
    bool inside_ = false;      ///< prefix read, message not yet whole
    std::size_t missing_ = 0;  ///< bytes of the message still to come
};

}  // namespace etcdsync::grpc
