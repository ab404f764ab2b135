// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <string>

namespace etcdsync::http2 {

/// The part of a request body that waits for flow control. Chunks are kept as given, without
/// copies.
class body_queue {
public:
    void push(std::string chunk);

    /// Moves at most `room` bytes to `out`; returns how many.
    std::size_t take(char* out, std::size_t room);

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    /// Marks the end of the body: push() must not be called again.
    void end() { ended_ = true; }
    [[nodiscard]] bool ended() const { return ended_; }

private:
    std::deque<std::string> chunks_;
    std::size_t offset_ = 0;  ///< bytes of the first chunk that were already taken
    std::size_t size_ = 0;    ///< bytes left in all chunks
    bool ended_ = false;
};

}  // namespace etcdsync::http2
