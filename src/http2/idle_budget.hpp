// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etcdsync::http2 {

/// How many frames a peer may send that bring no stream forward: PING, SETTINGS, WINDOW_UPDATE, PRIORITY, empty DATA,
/// frames of unknown types or for streams that are gone. nghttp2 limits only those that must be answered
/// (RFC 9113 section 10.5).
class idle_budget {
public:
    explicit idle_budget(unsigned most) : most_(most) {}

    void spend(unsigned frames) { used_ += frames; }

    [[nodiscard]] bool exhausted() const { return used_ > most_; }

    /// A stream got a header block or body bytes.
    void progress() { used_ = 0; }

    /// One of the frames was asked for (PING ack): an idle watch lives on those for days.
    void forgive() { used_ -= used_ == 0 ? 0U : 1U; }

private:
    unsigned most_;
    unsigned used_ = 0;
};

}  // namespace etcdsync::http2
