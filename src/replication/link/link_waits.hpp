// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/backoff.hpp"
#include "replication/link/leader.hpp"
#include "replication/link/link_control.hpp"
#include "replication/link/link_parts.hpp"
#include "replication/link/step_result.hpp"
#include "replication/slave/slave_writer.hpp"

#include <chrono>
#include <string>

namespace etcdsync::replication {

/// What a link waits for when it cannot work, and for how long. Every wait ends early at a request of the operator. A one-shot
/// job does not wait for people, and gives up after some failures.
class link_waits {
public:
    link_waits(const link_parts& parts, link_control& control);

    aio::awaitable<> wait(std::chrono::milliseconds how_long);

    /// While the link is paused.
    aio::awaitable<> paused();

    /// After the slave failed. `finished` if a one-shot job gives up.
    aio::awaitable<step_result> after_slave_failure(etcd::error why);

    /// After the master failed. `finished` if a one-shot job gives up.
    aio::awaitable<step_result> after_master_failure(etcd::error why);

    /// Until the master is connected, for a probe interval at most.
    aio::awaitable<step_result> for_master(slave_writer& slave);

    /// Until `of` has confirmed, by a read that began after this call, that this process leads the slave: then `done`. Meanwhile
    /// says who leads, or what it waits for.
    aio::awaitable<step_result> for_leadership(leader& of, slave_writer& slave);

    /// While another process, or another master, keeps the link from working: for a probe interval.
    aio::awaitable<step_result> hold(hold_kind kind, std::string why);

    /// Until something suggests that a guard decides differently now.
    aio::awaitable<step_result> for_approval(slave_writer& slave, std::string why);

    /// The work on the slave began.
    void note_begun() { begun_ = true; }
    /// Something was written, or the slave was in sync: a failure from now on is a new one.
    void note_progress();

private:
    void report_standby(const leader& of);
    [[nodiscard]] bool gives_up();

    const link_parts& parts_;
    link_control& control_;
    base::backoff slave_pauses_;   ///< between attempts on the slave
    base::backoff master_pauses_;  ///< between attempts on the master
    bool begun_ = false;
    unsigned failures_ = 0;  ///< of a one-shot job, in a row
};

/// The master's log has begun, and the feed is connected.
[[nodiscard]] inline bool is_ready(const feed& master) { return master.recent().started() && master.connected(); }

}  // namespace etcdsync::replication
