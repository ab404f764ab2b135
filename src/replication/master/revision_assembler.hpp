// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/digest.hpp"
#include "etcd/watch.hpp"
#include "replication/master/log.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace etcdsync::replication {

/// Makes whole, folded revisions out of watch messages, and says how far everything is known. Pure.
///
/// The position comes from nothing but: the revision of a complete revision; a periodic progress notification; the store
/// revision of an answer that was not cut (complete, fewer than 1,000 distinct revisions). header.revision of any other answer
/// runs ahead of its events (faults.md F3).
class revision_assembler {
public:
    using selector = std::function<bool(std::string_view key)>;
    using sink = std::function<void(log_entry entry)>;

    /// Events at or below `known` are dropped: they were seen before. Keys `selects` refuses are, too. A revision that takes more
    /// than `largest` bytes to hold is given out in parts as its fragments arrive (log_entry::more_follows).
    /// With `folds_deletes`, one that is nothing but deletes is given out as log_entry::mass_delete instead.
    revision_assembler(revision known, selector selects, sink out, std::size_t largest, bool folds_deletes = false)
        : position_(known), selects_(std::move(selects)), out_(std::move(out)), largest_(largest),
          folds_deletes_(folds_deletes) {}

    /// A message of kind `events` or `progress`. Calls the sink for each revision that became complete.
    void take(const etcd::watch_message& message, aio::clock::time_point now);

    [[nodiscard]] revision position() const { return position_; }

    /// The last answer was cut: more of the history waits on the server, and may be compacted before it is read.
    [[nodiscard]] bool was_cut() const { return was_cut_; }

    /// The number of all events, and of those that no rule selects: a warning is logged if most of the watch is dropped.
    [[nodiscard]] std::uint64_t events_seen() const { return seen_; }
    [[nodiscard]] std::uint64_t events_dropped() const { return dropped_; }

private:
    void take_events(const etcd::watch_response& response, aio::clock::time_point now);
    void add(const etcd::event& event, const base::shared_buffer& owner);
    void finish_open(aio::clock::time_point now);
    void give_out_part(aio::clock::time_point now);
    [[nodiscard]] bool fold_deletes();
    static void shed_buffers(log_entry& entry);

    revision position_;
    selector selects_;
    sink out_;
    std::size_t largest_;
    bool folds_deletes_;
    std::optional<log_entry> open_;  ///< the revision that may still go on
    std::size_t open_bytes_ = 0;     ///< what holding it costs so far
    std::size_t distinct_ = 0;       ///< revisions in the answer (all its fragments) so far
    revision newest_in_answer_ = 0;
    bool was_cut_ = false;
    std::uint64_t seen_ = 0;
    std::uint64_t dropped_ = 0;
};

/// Identifies the events of one folded revision: it is compared when the master's history is replayed from there.
class event_digest {
public:
    void add(const etcd::event& change);
    [[nodiscard]] std::string hex() const { return digest_.hex(); }

private:
    base::digest digest_;
};

/// The digest of those events of `entry` that `selects` takes.
[[nodiscard]] std::string digest_of_events(const log_entry& entry, const revision_assembler::selector& selects);

/// Leaves of each key of the entry its last event, keeps the order otherwise, and where the changes are a small part of the
/// buffers they look into copies them out.
void fold(log_entry& entry);

}  // namespace etcdsync::replication
