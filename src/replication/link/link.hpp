// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/subscription.hpp"
#include "etcd/cluster.hpp"
#include "replication/link/database_watch.hpp"
#include "replication/link/leader.hpp"
#include "replication/link/link_parts.hpp"
#include "replication/link/link_settings.hpp"
#include "replication/link/link_waits.hpp"
#include "replication/link/small_compare.hpp"
#include "replication/link/start_sequence.hpp"
#include "replication/link/step_result.hpp"

#include <string>
#include <vector>

namespace etcdsync::replication {

class slave_work;

/// The pipeline to one slave, or in consistency = "rule" to one slave for one rule. It connects, resumes at the checkpoint,
/// works until something breaks, and retries, without end. Nothing it meets affects another link.
class link {
public:
    /// `led_by` decides whether this process may write to the slave; null: it may.
    link(const context& with, link_settings settings, mapping keys, etcd::cluster slave, etcd::cluster master,
         feed& source, work_permits& allowed, leader* led_by = nullptr);
    link(const link&) = delete;

    /// Ends after stop(), by cancellation, or once a one-shot job is complete or has failed.
    aio::awaitable<> run();

    /// Starts no new Txn from now on.
    void stop();

    /// Starts no new Txn until resume(), which continues at the checkpoint.
    void pause();
    void resume();

    /// Compares and repairs everything, from the first key: now, or when the link can work again. Guards apply.
    void resync();

    /// Lifts what holds the link until its next full sync has ended. With `foreign`, foreign keys become ours, so that they are
    /// deleted: if the link is not held, by a full sync under the guards. False if there is nothing to do, or if an approval does
    /// not help: another process writes on the slave, or the slave is the master.
    bool approve(bool foreign);

    [[nodiscard]] bool is_paused() const { return control_.paused(); }
    /// A full sync was requested, or is due after a watch violation, and has not been recorded in the checkpoint yet.
    [[nodiscard]] bool owes_full_sync() const {
        return control_.wanted_resync() != 0 || answered_violations_ != violations();
    }

    [[nodiscard]] bool txn_in_flight() const { return writer_ != nullptr && writer_->in_flight(); }
    /// The checkpoint on the slave names this process as its writer; a link that stops clears that.
    [[nodiscard]] bool holds_checkpoint() const { return writer_ != nullptr && writer_->is_ours(); }

    [[nodiscard]] const link_status& current() const { return report_.status(); }
    [[nodiscard]] const feed& source() const { return parts_.source; }

private:
    /// Of the feed, and of the link's own watches.
    [[nodiscard]] std::uint64_t violations() const { return source().current().violations + own_violations_; }
    void note_violation(const std::string& cause);

    aio::awaitable<step_result> serve();
    aio::awaitable<step_result> start(slave_writer& slave);
    aio::awaitable<step_result> work(slave_writer& slave);
    aio::awaitable<step_result> end_work(slave_writer& slave, step_result end);
    bool lift_hold(const step_result& by);
    aio::awaitable<> release_checkpoint(slave_writer& slave);
    void join_leader();
    void note_source();

    link_settings settings_;
    learned_limits limits_;
    page_sizing pages_;
    mapping keys_;
    etcd::cluster slave_;
    etcd::cluster master_;
    reporter report_;
    aio::event wake_;
    link_control control_;
    bool better_endpoint_ = false;  ///< the slave has an endpoint preferred to the one in use
    guard_policy guards_;           ///< of the current start
    small_compare_state compared_;
    link_parts parts_;
    start_sequence start_;
    link_waits waits_;
    database_watch database_;
    leader* leader_;
    std::uint64_t term_ = 0;             ///< of the leader, which this link has taken note of
    bool source_ready_ = false;          ///< as the leader knows it
    bool reached_ = false;               ///< the slave has answered on this connection
    slave_writer* writer_ = nullptr;     ///< while connected
    std::uint64_t own_violations_ = 0;   ///< of the watches with which this link caught up
    std::uint64_t answered_violations_;  ///< violations(): those before this link, and those answered by a full sync
    std::vector<aio::subscription> subscriptions_;
};

}  // namespace etcdsync::replication
