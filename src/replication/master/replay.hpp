// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "etcd/watch.hpp"
#include "replication/master/revision_assembler.hpp"
#include "replication/status/context.hpp"

#include <deque>
#include <memory>
#include <optional>

namespace etcdsync::replication {

/// The master's revisions after a known one, read from a watch of its own on one connection: the feed has one, and so has each
/// link that fell behind the log.
class replay {
public:
    struct start {
        revision known = 0;       ///< everything up to here was applied, or read, before
        revision last_event = 0;  ///< E: a revision at or below `known` that carried selected events, 0: none known
        std::string
            event_digest;  ///< of E's events, so that their replay proves this history to be the one known; empty: not known
    };

    /// Opened at `last_event` if one is known: such a watch answers at once and so gives its position, while one with nothing
    /// to say is silent (faults.md section 8). What it repeats is dropped. A revision above `largest` bytes comes in parts.
    replay(std::shared_ptr<net::channel> on, const context& with, aio::clock::duration timeout,
           const keys::key_range& cover, const start& from, revision_assembler::selector selects, std::size_t largest,
           bool folds_deletes = false);

    /// Waits for the next message. Nothing is given out before E's events were found to be the ones known: other ones are an
    /// error of class `other_history`; a server that is silent where it has to answer is one of class `retry`. Whole revisions are appended to `out`, position() moves. An error of class `compacted`
    /// says that the way from `known` to here is gone; after any error the object is of no more use.
    aio::awaitable<etcd::result<void>> read(std::deque<log_entry>& out);

    /// Makes read() end with class `cancelled`. May be called while it waits.
    void cancel() { watch_.cancel(); }

    [[nodiscard]] revision position() const { return assembler_.position(); }

    /// True once E's events were seen and found to be the ones known.
    [[nodiscard]] bool proved() const { return proved_; }

    /// The digest of E's events as this master has them; empty until they were seen.
    [[nodiscard]] const std::string& event_digest() const { return seen_digest_; }
    [[nodiscard]] const revision_assembler& events() const { return assembler_; }

private:
    aio::awaitable<etcd::result<etcd::watch_message>> next_message();
    /// After silence: E's revision is there, but holds nothing inside the cover. Of class `compacted` where we may not look.
    aio::awaitable<etcd::result<bool>> has_other_events();
    [[nodiscard]] etcd::error other_history() const;
    aio::awaitable<std::optional<etcd::error>> check_readable(revision at);
    /// By a linearizable read; `otherwise` is what it means where the master is not there.
    aio::awaitable<std::optional<etcd::error>> check_reached(revision at, etcd::error_class otherwise);
    aio::awaitable<etcd::result<void>> settle(revision store);
    aio::awaitable<std::optional<etcd::error>> check_proof_events(const etcd::watch_message& message);

    etcd::kv kv_;
    keys::key_range cover_;
    aio::clock* clock_;
    start from_;
    etcd::watch_stream watch_;
    std::deque<log_entry> fresh_;
    revision_assembler assembler_;
    revision_assembler proof_events_;  ///< E's events come out of it
    bool created_ = false;
    bool proved_ = false;
    bool proof_events_too_large_ = false;
    std::string seen_digest_;
    bool gap_possible_ = true;  ///< a resume or a cut answer lies behind: look before applying what comes next
};

}  // namespace etcdsync::replication
