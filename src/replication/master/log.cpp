// SPDX-License-Identifier: Apache-2.0
#include "replication/master/log.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {

void log::restart(revision position) {
    entries_.clear();
    bytes_ = 0;
    floor_ = position;
    position_ = position;
    ++generation_;
}

void log::append(log_entry entry) {
    BOOST_ASSERT(started() && entry.rev > position_);
    if (entry.more_follows || entry.is_tail) {
        entries_.clear();
        bytes_ = 0;
        floor_ = entry.rev;  // while its parts arrive, no reader can continue from earlier revisions
        if (!entry.more_follows) position_ = entry.rev;
        return;
    }
    position_ = entry.rev;
    bytes_ += entry.bytes;
    entries_.push_back(std::move(entry));
    evict();
}

void log::set_limit(std::size_t limit) {
    limit_ = limit;
    evict();
}

void log::evict() {
    // A revision larger than the whole window is not kept: the floor moves past it.
    while (bytes_ > limit_ && !entries_.empty()) {
        floor_ = entries_.front().rev;
        bytes_ -= entries_.front().bytes;
        entries_.pop_front();
    }
}

void log::advance_position(revision rev) { position_ = std::max(position_, rev); }

bool log::is_aging(revision rev) const {
    if (rev < floor_) return true;
    std::size_t newer = 0;
    for (const log_entry& entry : after(rev)) newer += entry.bytes;
    return newer > limit_ / 2;
}

std::ranges::subrange<std::deque<log_entry>::const_iterator> log::after(revision rev) const {
    const auto first = std::upper_bound(entries_.begin(), entries_.end(), rev,
                                        [](revision r, const log_entry& entry) { return r < entry.rev; });
    return {first, entries_.end()};
}

}  // namespace etcdsync::replication
