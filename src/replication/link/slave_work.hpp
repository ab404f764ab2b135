// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/catch_up.hpp"
#include "replication/link/follower.hpp"
#include "replication/link/full_sync.hpp"
#include "replication/record/start_plan.hpp"

#include <string>

namespace etcdsync::replication {

/// The work on one slave over one connection, from the claim of the checkpoint on: which move comes next.
class slave_work {
public:
    slave_work(const link_parts& parts, slave_writer& slave, const start_plan& plan);
    slave_work(const slave_work&) = delete;  // the moves refer to the session in this object

    /// Claims the checkpoint as planned. `restart` if another process changed it.
    aio::awaitable<step_result> claim();

    /// Moves until something ends it.
    aio::awaitable<step_result> run();

    /// Starts a full sync at the first key.
    aio::awaitable<step_result> begin_full_sync(std::string reason);

    /// Something was written, or the slave was found in sync: a failure from now on is a new one.
    [[nodiscard]] bool made_progress() const { return session_.has_written() || follower_.was_in_sync(); }

    /// The slave was in sync with, or caught up to, the master's history as the feed has read it since continuity().
    [[nodiscard]] bool has_followed() const { return has_followed_; }
    [[nodiscard]] std::uint64_t continuity() { return session_.history().continuity; }

private:
    aio::awaitable<step_result> move();
    aio::awaitable<step_result> finish_once();
    aio::awaitable<step_result> repair_drift(std::string what);

    const link_parts& parts_;
    const start_plan& plan_;
    slave_session session_;
    advancer advancer_;
    catch_up catch_up_;
    full_sync full_sync_;
    small_compare compare_;
    follower follower_;
    bool has_followed_ = false;
};

}  // namespace etcdsync::replication
