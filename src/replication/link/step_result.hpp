// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"

#include <cstdint>
#include <utility>

namespace etcdsync::replication {

/// Why a step of the work on a slave ended: what the link does next.
enum class end_reason : std::uint8_t {
    done,              ///< the step is complete
    finished,          ///< a one-shot job is complete
    stopped,           ///< the link is stopping
    restart,           ///< read the checkpoint again now: an operator's request, or the master's history has changed
    contested,         ///< read the checkpoint again now: another process changed it
    behind,            ///< the log no longer reaches back to R
    compare,           ///< only a full sync can continue from here
    drifted,           ///< the slave is not what it should be: only a full sync repairs it
    watch_violated,    ///< a watch of the link's own violated etcd's guarantees: what it delivered before may be wrong
    yielded,           ///< other slaves wait, and this full sync is slow
    resume_pass,       ///< resume the pass at its frontier
    blocked_by_guard,  ///< a guard requires approval
    held,  ///< another process is at work, or the slave is the master: nothing may be written until that changes
    other_master,     ///< the master is not the one the slave was copied from: requires approval
    better_endpoint,  ///< reconnect now: a preferred endpoint is back
    approval_used,    ///< the full sync that the operator approved is complete
    master_away,      ///< wait until the feed is connected again
    slave_failed,
};

struct step_result {
    step_result(end_reason r) : reason(r) {}  // NOLINT: implicit, most steps end without an error
    step_result(end_reason r, etcd::error e) : reason(r), error(std::move(e)) {}

    end_reason reason;
    etcd::error
        error;  ///< of master_away and slave_failed; else the cause to show (compare, watch_violated, blocked_by_guard, held, other_master)
};

}  // namespace etcdsync::replication
