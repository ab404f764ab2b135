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

/// The one watch on the master, and the log it fills. It runs until it is canceled, reconnects after every failure, and never waits
/// for a slave.
class feed {
public:
    /// `cover` holds every key `selects` may take. `rule`: the one it is for, in consistency = "rule".
    feed(const context& with, etcd::cluster& master, keys::key_range cover, revision_assembler::selector selects,
         std::size_t log_limit, std::string configured_endpoints, std::string rule = {});

    /// Ends by cancellation only.
    aio::awaitable<> run();

    [[nodiscard]] const log& recent() const { return log_; }

    /// Reads other keys from now on: opens its watch anew, after the last revision known. Links that take keys of the old
    /// selection and of the new one miss nothing.
    void select(keys::key_range cover, revision_assembler::selector selects);

    /// From where on the log holds all keys of the present selection.
    [[nodiscard]] const log_start& selected_since() const { return selected_since_; }

    /// Changes the memory for the log.
    void set_log_limit(std::size_t limit) { log_.set_limit(limit); }

    [[nodiscard]] std::uint64_t cluster_id() const { return cluster_id_; }
    [[nodiscard]] std::uint64_t raft_term() const { return raft_term_; }
    /// Another number whenever it is not sure that the master is still the one it was: a new generation of the log, and a watch
    /// that was opened anew where the revision that would prove it was compacted.
    [[nodiscard]] std::uint64_t continuity() const { return log_.generation() + unproven_ + status_.violations; }

    /// How often a watch broke etcd's contract (order, uniqueness, atomicity, range).
    [[nodiscard]] std::uint64_t violations() const { return status_.violations; }
    [[nodiscard]] bool connected() const { return status_.connected; }
    [[nodiscard]] master_status current() const;

    /// `listener` is called whenever the log, its generation or the connection changed. It must not await.
    [[nodiscard]] aio::subscription on_change(std::function<void()> listener) {
        return listeners_.subscribe(std::move(listener));
    }

private:
    /// Which keys of the master are read.
    struct selection {
        keys::key_range cover;
        revision_assembler::selector selects;
    };

    aio::awaitable<etcd::error> follow();
    aio::awaitable<std::optional<etcd::error>> prove_last_event(std::shared_ptr<net::channel> on);
    aio::awaitable<etcd::error> read_from(std::shared_ptr<net::channel> on, replay::start from);
    aio::awaitable<std::optional<etcd::error>> probe(const std::shared_ptr<net::channel>& channel);
    void settle_start(const etcd::response_header& header);
    /// Why the watch is to be opened anew, if it is.
    [[nodiscard]] std::optional<etcd::error> reopened() const;
    void report_up(const net::endpoint& peer);
    void report_down(const etcd::error& why, std::chrono::milliseconds pause);
    void step_back();
    /// Logs a line about the master, with rule= if this feed is for one.
    void log_line(observe::log_level level, std::string_view message,
                  std::initializer_list<observe::log_field> fields) const;
    void fail_back();
    void warn_of_waste(const revision_assembler& events);
    void changed() { listeners_.notify(); }

    const context* context_;
    etcd::cluster* master_;
    std::shared_ptr<const selection> selected_;
    std::shared_ptr<const selection> proof_selection_;  ///< that of the digest of the log's last event
    log_start selected_since_;
    bool selection_changed_ = false;  ///< since the present connection began
    std::string rule_;                ///< for messages
    log log_;
    base::backoff pauses_;
    base::backoff distrust_;      ///< after a watch violation: not reset by the first events of the next watch
    bool history_lost_ = false;   ///< what the log holds does not lead to what the master has now
    bool moved_ = true;           ///< something was delivered since that was last found
    std::uint64_t unproven_ = 0;  ///< watches opened without proof
    std::uint64_t cluster_id_ = 0;
    std::uint64_t raft_term_ = 0;
    master_status status_;
    aio::listeners listeners_;
    bool warned_of_waste_ = false;
    outage_log outage_;             ///< while it is not reachable, or refuses us
    bool refused_ = false;          ///< the master refuses us, and that was logged
    replay* reading_ = nullptr;     ///< the watch under way
    bool better_endpoint_ = false;  ///< than that of the present connection, was found since
    aio::subscription failback_;
};

}  // namespace etcdsync::replication
