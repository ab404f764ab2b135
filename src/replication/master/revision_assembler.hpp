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

/// Assembles complete, folded revisions from watch messages, and knows up to which revision all
/// changes are known. Pure.
/// || The position comes only from: a complete revision; a periodic progress notification; the
/// store revision of a response that was not cut (complete, fewer than 1,000 distinct revisions).
/// header.revision of any other response runs ahead of its events (faults.md F3).
class revision_assembler {
public:
    using selector = std::function<bool(std::string_view key)>;
    using sink = std::function<void(log_entry entry)>;

    /// Drops events at or below `known`, which were seen before, and keys that `selects` refuses. A
    /// revision that needs more than `largest` bytes is emitted in parts as its fragments arrive
    /// (log_entry::more_follows). With `folds_deletes`, such a revision is emitted as
    /// log_entry::mass_delete if it has only deletes.
    revision_assembler(revision known, selector selects, sink out, std::size_t largest, bool folds_deletes = false)
        : position_(known), selects_(std::move(selects)), out_(std::move(out)), largest_(largest),
          folds_deletes_(folds_deletes) {}

    /// Handles a message of kind `events` or `progress`. Calls the sink for each revision that
    /// became complete.
    void take(const etcd::watch_message& message, aio::clock::time_point now);

    [[nodiscard]] revision position() const { return position_; }

    /// True if the last response was cut: the server has more of the history, which may be
    /// compacted before it is read.
    [[nodiscard]] bool was_cut() const { return was_cut_; }

    /// The number of all events, and of those that no rule selects: a warning is logged if most of the watch is dropped.
    [[nodiscard]] std::uint64_t events_seen() const { return seen_; }
    [[nodiscard]] std::uint64_t events_dropped() const { return dropped_; }

private:
    void take_events(const etcd::watch_response& response, aio::clock::time_point now);
    void add(const etcd::event& event, const base::shared_buffer& owner);
    void finish_open(aio::clock::time_point now);
    void emit_part(aio::clock::time_point now);
    [[nodiscard]] bool fold_deletes();
    static void shed_buffers(log_entry& entry);

    revision position_;
    selector selects_;
    sink out_;
    std::size_t largest_;
    bool folds_deletes_;
    std::optional<log_entry> open_;  ///< the revision that may continue
    std::size_t open_bytes_ = 0;     ///< memory it takes so far
    std::size_t distinct_ = 0;       ///< revisions in the response (all its fragments) so far
    revision newest_in_response_ = 0;
    bool was_cut_ = false;
    std::uint64_t seen_ = 0;
    std::uint64_t dropped_ = 0;
};

/// A digest of the events of one folded revision, in any order. It is compared when the master's history is replayed from
/// there, or with the keys that still have that mod_revision.
class event_digest {
public:
    void add(const etcd::event& change);
    [[nodiscard]] std::string hex() const { return base::digest_text(sum_); }

private:
    std::uint64_t sum_ = 0;
};

/// The digest of the events of `entry` that `selects` takes.
[[nodiscard]] std::string digest_of_events(const log_entry& entry, const revision_assembler::selector& selects);

/// Keeps only the last event of each key and otherwise the order. If the changes are a small part
/// of the buffers they refer to, copies them and releases the buffers.
void fold(log_entry& entry);

}  // namespace etcdsync::replication
