// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "etcd/watch.hpp"
#include "replication/master/proof_digest.hpp"
#include "replication/master/revision_assembler.hpp"
#include "replication/status/context.hpp"

#include <deque>
#include <memory>
#include <optional>

namespace etcdsync::replication {

/// Reads the master's revisions after a known one from its own watch on one connection. The feed
/// has one, and so does each link that fell behind the log.
class replay {
public:
    struct start {
        revision known = 0;       ///< all changes up to here were applied or read before
        revision last_event = 0;  ///< E: a revision at or below `known` with selected events; 0: none known
        std::string
            /// Digest of E's events: replaying them proves that the history is the known one;
            /// empty: unknown.
            event_digest;
        /// After this long without a message read() ends, and was_silent() is true. Nothing: it waits for ever.
        std::optional<aio::clock::duration> patience;
    };

    /// Opens the watch at `last_event` if one is known: etcd answers such a watch at once, which
    /// gives the position, while a watch without events stays silent (faults.md section 8).
    /// Repeated events are dropped. A revision above `largest` bytes is returned in parts.
    replay(std::shared_ptr<net::channel> on, const context& with, aio::clock::duration timeout,
           const keys::key_range& cover, const start& from, revision_assembler::selector selects, std::size_t largest,
           bool folds_deletes = false);
    replay(const replay&) = delete;  // what assembles revisions calls back into this object

    /// Waits for the next message. Appends complete revisions to `out` and moves position().
    /// Returns no revision before E's events were compared with the known ones: if they differ, the
    /// error is of class `other_history`. A server that does not answer when it has to is an error
    /// of class `retry`. Class `compacted` says that revisions after `known` are lost. After any
    /// error the object must not be used any more.
    aio::awaitable<etcd::result<void>> read(std::deque<log_entry>& out);

    /// Makes read() end with class `cancelled`. May be called while it waits.
    void cancel() { watch_.cancel(); }

    /// True after read() ended because nothing came for `start::patience`, which says nothing about the master.
    [[nodiscard]] bool was_silent() const { return silent_; }

    [[nodiscard]] revision position() const { return assembler_.position(); }

    /// True after E's events were read and equal the known ones.
    [[nodiscard]] bool proved() const { return proved_; }

    /// The digest of E's events as this master has them; empty until they were read.
    [[nodiscard]] const std::string& event_digest() const { return proof_events_.hex(); }
    [[nodiscard]] const revision_assembler& events() const { return assembler_; }

private:
    aio::awaitable<etcd::result<etcd::watch_message>> next_message();
    /// Called after a timeout: true if E's revision exists but has no event inside the cover. The
    /// error is of class `compacted` if the user may not read it.
    aio::awaitable<etcd::result<bool>> has_other_events();
    [[nodiscard]] etcd::error other_history() const;
    aio::awaitable<std::optional<etcd::error>> check_readable(revision at);
    /// Checks with a linearizable read that the master has reached revision `at`; `otherwise` is
    /// the class of the error if it has not.
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
    proof_digest proof_events_;  ///< of E
    bool created_ = false;
    bool proved_ = false;
    bool silent_ = false;
    bool gap_possible_ = true;  ///< after a resume or a cut response: check before applying what comes next
};

}  // namespace etcdsync::replication
