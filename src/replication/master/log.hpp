// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "etcd/wire.hpp"
#include "keys/key_range.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace etcdsync::replication {

using etcd::revision;

/// One revision of the master, folded: of each selected key the last event only.
struct log_entry {
    revision rev = 0;
    std::vector<etcd::event> changes;  ///< views into `owners`
    std::vector<base::shared_buffer> owners;
    std::size_t bytes = 0;      ///< what keeping it costs
    bool repeats_keys = false;  ///< some key was changed more than once in this revision
    bool more_follows = false;  ///< a part of a revision that is too large to be held whole: more of it follows
    bool is_tail = false;       ///< the last part of such a revision
    /// Of a revision that is a mass of deletes and nothing else, too large to be held: all keys it deleted lie in here. `changes` is
    /// empty then.
    std::optional<keys::key_range> mass_delete;
    aio::clock::time_point received;
};

/// Since when a log holds all events of some keys that it did not select before.
struct log_start {
    std::uint64_t generation = 0;  ///< any other generation holds all from its beginning
    revision since = 0;
};

/// The bounded window of the master's recent history that all slaves read from: every selected change of (floor, position] is
/// in it. When it is full the floor moves up; it never waits for anybody. A new `generation` begins when what it held no
/// longer leads to what comes (the history was compacted, or is another one): what was read before must not be used then.
class log {
public:
    explicit log(std::size_t limit) : limit_(limit) {}

    /// Forgets all: the next entries follow on `position`.
    void restart(revision position);

    /// `entry.rev` is above the position, which it becomes. `digest` identifies its events.
    void append(log_entry entry, std::string digest);

    /// A revision too large to be kept, or a part of one: the floor moves up to it.
    void pass_over(const log_entry& part);

    /// Everything up to `rev` is known. Never moves back.
    void advance_position(revision rev);

    [[nodiscard]] bool started() const { return generation_ != 0; }
    [[nodiscard]] std::uint64_t generation() const { return generation_; }
    [[nodiscard]] revision floor() const { return floor_; }
    [[nodiscard]] revision position() const { return position_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::size_t limit() const { return limit_; }
    void set_limit(std::size_t limit);

    /// The last revision known to carry events, 0 where none is: watches are opened there, because they answer at once.
    [[nodiscard]] revision last_event() const { return last_event_; }
    [[nodiscard]] const std::string& last_event_digest() const { return last_event_digest_; }

    /// True where all that came after `rev` is, or will be, here: `rev` may lie beyond the position.
    [[nodiscard]] bool holds_all_since(revision rev) const { return started() && rev >= floor_; }

    /// The same for a reader whose keys are selected since `own`.
    [[nodiscard]] bool holds_all_since(revision rev, const log_start& own) const {
        return holds_all_since(rev) && (own.generation != generation_ || rev >= own.since);
    }

    /// True where `rev` is half way to being forgotten: time for who stands there to move on.
    [[nodiscard]] bool is_aging(revision rev) const;

    /// The entries after `rev`, oldest first.
    [[nodiscard]] std::deque<log_entry>::const_iterator after(revision rev) const;
    [[nodiscard]] std::deque<log_entry>::const_iterator end() const { return entries_.end(); }

private:
    void evict();

    std::deque<log_entry> entries_;
    std::size_t limit_;
    std::size_t bytes_ = 0;
    revision floor_ = 0;
    revision position_ = 0;
    revision last_event_ = 0;
    std::string last_event_digest_;
    std::uint64_t generation_ = 0;
};

}  // namespace etcdsync::replication
