// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

namespace etcdsync::http2 {

/// Limits how many frames a peer may send that make no progress on any stream: PING, SETTINGS,
/// WINDOW_UPDATE, PRIORITY, empty DATA, frames of unknown types or for closed streams. nghttp2 only
/// limits the ones that must be answered (RFC 9113 section 10.5).
class idle_budget {
public:
    explicit idle_budget(unsigned limit) : limit_(limit) {}

    void spend(unsigned frames) { used_ += frames; }

    [[nodiscard]] bool exhausted() const { return used_ > limit_; }

    /// A stream received a header block. Each of our requests allows only two of them.
    void progress() { used_ = 0; }

    /// A stream received body bytes. Every 8 bytes pay for one frame: a body in smaller frames
    /// counts as a flood.
    void progress(std::size_t bytes) {
        constexpr std::size_t bytes_per_frame = 8;
        bytes_ += bytes;
        used_ -= static_cast<unsigned>(std::min<std::size_t>(used_, bytes_ / bytes_per_frame));
        bytes_ %= bytes_per_frame;
    }

    /// Gives back one frame, because we requested it (PING ACK). An idle watch receives nothing
    /// else for days.
    void refund_one() { used_ -= used_ == 0 ? 0U : 1U; }

private:
    unsigned limit_;
    unsigned used_ = 0;
    std::size_t bytes_ = 0;  ///< body bytes that have not yet paid for a frame
};

}  // namespace etcdsync::http2
