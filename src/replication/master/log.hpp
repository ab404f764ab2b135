// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "etcd/wire.hpp"
#include "keys/key_range.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <ranges>
#include <vector>

namespace etcdsync::replication {

using etcd::revision;

/// One revision of the master, folded: only the last event of each selected key.
struct log_entry {
    revision rev = 0;
    std::vector<etcd::event> changes;  ///< views into `owners`
    std::vector<base::shared_buffer> owners;
    std::size_t bytes = 0;      ///< memory it takes
    bool repeats_keys = false;  ///< a key was changed more than once in this revision
    bool more_follows = false;  ///< part of a revision that is too large to keep; more of it follows
    bool is_tail = false;       ///< last part of such a revision
    /// Set for a revision of deletes only that is too large to keep: an interval that contains all
    /// keys it deleted. `changes` is then empty.
    std::optional<keys::key_range> mass_delete;
    aio::clock::time_point received;
};

/// Since when a log contains all events of keys that were added to its selection.
struct log_start {
    std::uint64_t generation = 0;  ///< all other generations contain them from their start
    revision since = 0;
};

/// The bounded window of the master's recent history that all slaves read from. It contains every
/// selected change of (floor, position]. When it is full the floor moves up; it never waits for a
/// reader. A new `generation` begins when its contents no longer lead to what follows (the history
/// was compacted, or is another one): revisions read from an older generation must then not be
/// used.
class log {
public:
    explicit log(std::size_t limit) : limit_(limit) {}

    /// Clears the log. The next entries follow `position`.
    void restart(revision position);

    /// Adds an entry, whose revision is above the position and becomes the new position. Parts of a
    /// revision that is too large to keep are not added: the floor moves up to that revision, and
    /// the position when its last part arrives.
    void append(log_entry entry);

    /// Records that all changes up to `rev` are known. Never moves back.
    void advance_position(revision rev);

    [[nodiscard]] bool started() const { return generation_ != 0; }
    [[nodiscard]] std::uint64_t generation() const { return generation_; }
    [[nodiscard]] revision floor() const { return floor_; }
    [[nodiscard]] revision position() const { return position_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::size_t limit() const { return limit_; }
    void set_limit(std::size_t limit);

    /// True if the log contains, or will contain, all changes after `rev`, which may lie beyond the
    /// position.
    [[nodiscard]] bool holds_all_since(revision rev) const { return started() && rev >= floor_; }

    /// The same, for a reader whose keys are selected since `own`.
    [[nodiscard]] bool holds_all_since(revision rev, const log_start& own) const {
        return holds_all_since(rev) && (own.generation != generation_ || rev >= own.since);
    }

    /// True if `rev` is so old that half of the window is newer: readers there should move on.
    [[nodiscard]] bool is_aging(revision rev) const;

    /// The entries after `rev`, oldest first. Valid until the next change of the log.
    [[nodiscard]] std::ranges::subrange<std::deque<log_entry>::const_iterator> after(revision rev) const;

private:
    void evict();

    std::deque<log_entry> entries_;
    std::size_t limit_;
    std::size_t bytes_ = 0;
    revision floor_ = 0;
    revision position_ = 0;
    std::uint64_t generation_ = 0;
};

}  // namespace etcdsync::replication
