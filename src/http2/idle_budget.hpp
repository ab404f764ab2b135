// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

namespace etcdsync::http2 {

/// How many frames a peer may send that bring no stream forward: PING, SETTINGS, WINDOW_UPDATE, PRIORITY, empty DATA,
/// frames of unknown types or for streams that are gone. nghttp2 limits only those that must be answered
/// (RFC 9113 section 10.5).
class idle_budget {
public:
    explicit idle_budget(unsigned most) : most_(most) {}

    void spend(unsigned frames) { used_ += frames; }

    [[nodiscard]] bool exhausted() const { return used_ > most_; }

    /// A stream got a header block: there are two of them for each request of ours.
    void progress() { used_ = 0; }

    /// A stream got body bytes. A frame of eight pays for itself: a body in smaller pieces would be as good a flood as any other.
    void progress(std::size_t bytes) {
        constexpr std::size_t of_a_frame = 8;
        bytes_ += bytes;
        used_ -= static_cast<unsigned>(std::min<std::size_t>(used_, bytes_ / of_a_frame));
        bytes_ %= of_a_frame;
    }

    /// One of the frames was asked for (PING ack): an idle watch lives on those for days.
    void forgive() { used_ -= used_ == 0 ? 0U : 1U; }

private:
    unsigned most_;
    unsigned used_ = 0;
    std::size_t bytes_ = 0;  ///< of a body, that paid for no frame yet
};

}  // namespace etcdsync::http2
