// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/subscription.hpp"
#include "base/backoff.hpp"
#include "etcd/cluster.hpp"
#include "replication/master/log.hpp"
#include "replication/master/replay.hpp"
#include "replication/status/context.hpp"
#include "replication/status/outage_log.hpp"
#include "replication/status/status.hpp"

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

namespace etcdsync::replication {

/// The watch on the master, and the log it fills. It runs until it is canceled, reconnects after
/// every failure, and never waits for a slave.
class feed {
public:
    /// `cover` contains every key that `selects` may take. `rule` is the rule of the feed in
    /// consistency = "rule".
    feed(const context& with, etcd::cluster& master, keys::key_range cover, revision_assembler::selector selects,
         std::size_t log_limit, std::string configured_endpoints, std::string rule = {});

    /// Ends by cancellation only.
    aio::awaitable<> run();

    [[nodiscard]] const log& recent() const { return log_; }

    /// Changes the selected keys: reopens the watch after the last known revision. A link whose
    /// keys are in the old and in the new selection misses nothing.
    void select(keys::key_range cover, revision_assembler::selector selects);

    /// Since when the log contains all keys of the current selection.
    [[nodiscard]] const log_start& selected_since() const { return selected_since_; }

    /// Changes the memory limit of the log.
    void set_log_limit(std::size_t limit) { log_.set_limit(limit); }

    [[nodiscard]] std::uint64_t cluster_id() const { return cluster_id_; }
    [[nodiscard]] std::uint64_t raft_term() const { return raft_term_; }
    /// A number that changes whenever it is uncertain that the master still has the same history: a
    /// new generation of the log, a watch violation, or a watch that was reopened after the
    /// revision that would prove its history was compacted.
    [[nodiscard]] std::uint64_t continuity() const { return log_.generation() + unproven_ + status_.violations; }

    /// How often a watch violated etcd's guarantees (order, uniqueness, atomicity, range).
    [[nodiscard]] std::uint64_t violations() const { return status_.violations; }
    [[nodiscard]] bool connected() const { return status_.connected; }
    [[nodiscard]] master_status current() const;

    /// `listener` is called whenever the log, its generation or the connection changed. It must not await.
    [[nodiscard]] aio::subscription on_change(std::function<void()> listener) {
        return listeners_.subscribe(std::move(listener));
    }

private:
    /// The keys of the master that the feed reads.
    struct selection {
        keys::key_range cover;
        revision_assembler::selector selects;
    };

    aio::awaitable<etcd::error> follow();
    aio::awaitable<std::optional<etcd::error>> prove_last_event(std::shared_ptr<net::channel> on);
    aio::awaitable<etcd::error> read_from(std::shared_ptr<net::channel> on, replay::start from);
    aio::awaitable<std::optional<etcd::error>> probe(const std::shared_ptr<net::channel>& channel);
    void continue_or_restart_log(const etcd::response_header& header);
    /// Why the watch must be reopened; nothing if it need not be.
    [[nodiscard]] std::optional<etcd::error> reopen_reason() const;
    void report_up(const net::endpoint& peer);
    void report_down(const etcd::error& why, std::chrono::milliseconds pause);
    void mark_disconnected();
    /// Logs a line about the master, with rule= if this is the feed of one rule.
    void log_line(observe::log_level level, std::string_view message,
                  std::initializer_list<observe::log_field> fields) const;
    void fail_back();
    void warn_of_unmatched(const revision_assembler& events);
    void changed() { listeners_.notify(); }

    const context* context_;
    etcd::cluster* master_;
    std::shared_ptr<const selection> selected_;
    std::shared_ptr<const selection> proof_selection_;  ///< the selection behind the digest of the log's last event
    log_start selected_since_;
    bool selection_changed_ = false;  ///< since the current connection was opened
    std::string rule_;                ///< for messages
    log log_;
    base::backoff pauses_;
    base::backoff violation_pauses_;  ///< after a watch violation: not reset by the first events of the next watch
    bool history_lost_ = false;       ///< the log does not lead to the master's current history
    bool progressed_ = true;          ///< the master delivered something since its history was last found lost
    std::uint64_t unproven_ = 0;      ///< watches opened without a proof of the history
    std::uint64_t cluster_id_ = 0;
    std::uint64_t raft_term_ = 0;
    master_status status_;
    aio::listeners listeners_;
    bool warned_of_unmatched_ = false;
    outage_log outage_;                ///< causes of the current outage
    bool refused_ = false;             ///< the master denied access, and that was logged
    replay* current_watch_ = nullptr;  ///< the open watch
    bool better_endpoint_ = false;     ///< a preferred endpoint was found since the connection was opened
    aio::subscription failback_;
};

}  // namespace etcdsync::replication
