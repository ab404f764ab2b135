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
    last_event_ = 0;
    last_event_digest_.clear();
    ++generation_;
}

void log::append(log_entry entry, std::string digest) {
    BOOST_ASSERT(started() && entry.rev > position_);
    position_ = entry.rev;
    if (!entry.mass_delete) {  // its events are not kept and cannot be compared, so E does not change
        last_event_ = entry.rev;
        last_event_digest_ = std::move(digest);
    }
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

void log::pass_over(const log_entry& part) {
    BOOST_ASSERT(started() && part.rev > position_);
    entries_.clear();
    bytes_ = 0;
    floor_ = part.rev;  // while its parts arrive, no reader can continue from earlier revisions
    if (!part.more_follows) position_ = part.rev;
    // E does not change: all of its events can be replayed.
}

void log::advance_position(revision rev) { position_ = std::max(position_, rev); }

bool log::is_aging(revision rev) const {
    if (rev < floor_) return true;
    std::size_t newer = 0;
    for (auto it = after(rev); it != entries_.end(); ++it) newer += it->bytes;
    return newer > limit_ / 2;
}

std::deque<log_entry>::const_iterator log::after(revision rev) const {
    return std::upper_bound(entries_.begin(), entries_.end(), rev,
                            [](revision r, const log_entry& entry) { return r < entry.rev; });
}

}  // namespace etcdsync::replication
