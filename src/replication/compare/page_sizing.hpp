// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

namespace etcdsync::replication {

/// Learns how large the pages of one link may be: half as large after a connection broke under them, and larger again after pages
/// arrived, up to what the memory limit allows. Pure.
class page_sizing {
public:
    explicit page_sizing(std::size_t most) : most_(most), now_(most) {}

    /// Bytes of a page.
    [[nodiscard]] std::size_t bytes() const { return now_; }

    void note_page() {
        if (now_ >= most_ || ++arrived_ < pages_to_grow_) return;
        arrived_ = 0;
        now_ = std::min(most_, 2 * now_);
        has_grown_ = true;
    }

    void note_failure() {
        arrived_ = 0;
        now_ = std::min(now_, std::max(least, now_ / 2));
        // What was too much again right after it was tried again will be so for a while.
        if (has_grown_) pages_to_grow_ = std::min(2 * pages_to_grow_, most_pages_to_grow);
        has_grown_ = false;
    }

private:
    static constexpr std::size_t least = 4U << 10;
    static constexpr unsigned most_pages_to_grow = 1U << 10;

    std::size_t most_;
    std::size_t now_;
    unsigned arrived_ = 0;
    unsigned pages_to_grow_ = 16;
    bool has_grown_ = false;  ///< since it shrank last
};

}  // namespace etcdsync::replication
