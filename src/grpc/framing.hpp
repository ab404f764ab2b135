// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "grpc/status.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace etcdsync::grpc {

/// The size of the prefix of a message (grpc/doc/PROTOCOL-HTTP2.md): 1 byte compressed flag, 4
/// bytes big-endian length.
inline constexpr std::size_t prefix_size = 5;

/// Writes the prefix of an uncompressed message of `size` bytes into the first five bytes of `out`.
void write_prefix(std::string& out, std::size_t size);

/// A message with its prefix, ready for DATA frames.
[[nodiscard]] std::string frame(std::string_view message);

/// Receives the output of a deframer; the pieces of a message are passed on as they arrive.
class message_sink {
public:
    virtual ~message_sink() = default;
    virtual void on_message_begin(std::size_t size) = 0;
    virtual void on_message_bytes(std::string_view bytes) = 0;
    virtual void on_message_end() = 0;
};

/// Splits a response body into messages; the body may arrive in chunks of any size.
class deframer {
public:
    explicit deframer(std::size_t max_message) : max_message_(max_message) {}

    /// Fails on a compressed message, an invalid flag or a length above the limit (checked before
    /// anything is stored).
    [[nodiscard]] base::result<void, status> feed(std::string_view bytes, message_sink& sink);

    /// True between messages: the body may end here.
    [[nodiscard]] bool at_boundary() const { return prefix_filled_ == 0 && !inside_; }

private:
    std::size_t max_message_;
    std::array<char, prefix_size> prefix_{};
    std::size_t prefix_filled_ = 0;
    bool inside_ = false;      ///< the prefix is complete, the message is not
    std::size_t missing_ = 0;  ///< bytes of the message still to come
};

}  // namespace etcdsync::grpc
