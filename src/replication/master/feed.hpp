// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/subscription.hpp"
#include "etcd/cluster.hpp"
#include "replication/master/known_history.hpp"
#include "replication/master/log.hpp"
#include "replication/master/master_report.hpp"
#include "replication/master/replay.hpp"
#include "replication/master/selection.hpp"
#include "replication/master/watch_interrupt.hpp"
#include "replication/master/watch_pauses.hpp"
#include "replication/status/context.hpp"
#include "replication/status/status.hpp"

#include <functional>
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
    feed(const feed&) = delete;  // its subscription calls back into this object

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

    [[nodiscard]] std::uint64_t cluster_id() const { return history_.cluster_id(); }
    /// A number that changes whenever it is uncertain that the master still has the same history: a
    /// new generation of the log, a watch violation, or a watch that was reopened after the
    /// revision that would prove its history was compacted.
    [[nodiscard]] std::uint64_t continuity() const { return log_.generation() + history_.doubts(); }

    /// known_history::contradictions()
    [[nodiscard]] std::uint64_t contradictions() const { return history_.contradictions(); }

    /// known_history::seen()
    [[nodiscard]] revision seen() const { return history_.seen(); }
    void note_seen(revision rev) { history_.note_seen(rev); }

    /// How often a connection to the master was opened: each may lead to another master.
    [[nodiscard]] std::uint64_t connections() const { return connections_; }

    /// E, which proves to a reader with a connection of its own that it reads the same master.
    [[nodiscard]] const proof_event& last_event() const { return history_.last_event(); }

    [[nodiscard]] bool connected() const { return report_.status().connected; }
    [[nodiscard]] master_status current() const;

    /// `listener` is called whenever the log, its generation or the connection changed. It must not await.
    [[nodiscard]] aio::subscription on_change(std::function<void()> listener) {
        return listeners_.subscribe(std::move(listener));
    }

private:
    aio::awaitable<etcd::error> follow();
    void continue_or_restart_log(const etcd::response_header& header, revision floor);
    aio::awaitable<std::optional<etcd::error>> prove_last_event(std::shared_ptr<net::channel> on);
    aio::awaitable<etcd::error> read_from(std::shared_ptr<net::channel> on, replay::start from);

    const context* context_;
    etcd::cluster* master_;
    std::shared_ptr<const selection> selected_;
    log_start selected_since_;
    log log_;
    known_history history_;
    watch_pauses pauses_;
    std::uint64_t connections_ = 0;
    master_report report_;
    aio::listeners listeners_;
    watch_interrupt interrupt_;
    aio::subscription failback_;
};

}  // namespace etcdsync::replication
