// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/advancer.hpp"
#include "replication/link/small_compare.hpp"

namespace etcdsync::replication {

/// Follows the log: applies what is new, then rests until there is more.
class follower {
public:
    follower(slave_session& session, advancer& moves, small_compare& compare)
        : session_(&session), advancer_(&moves), compare_(&compare), parts_(session.parts()),
          position_(session.position()) {}

    /// Follows until something ends it: `behind` if the log no longer reaches back to R; `drifted`. A one-shot job is `finished` as soon as
    /// the slave has all the log knows.
    aio::awaitable<step_result> run();

    /// Ends a one-shot job: reports "in sync" and leaves the checkpoint without a writer, so that a daemon that comes next, or
    /// was held meanwhile, finds no other process at work.
    aio::awaitable<step_result> finish();

    /// The slave had all the log knew.
    [[nodiscard]] bool was_in_sync() const { return was_in_sync_; }

private:
    /// Reports "in sync", or what it waits for: a silent master is no proof that nothing happened. Returns when to look again
    /// if nothing changes before.
    aio::clock::time_point report_state();
    aio::awaitable<step_result> rest_until_news();

    slave_session* session_;
    advancer* advancer_;
    small_compare* compare_;
    const link_parts& parts_;
    checkpoint& position_;
    bool was_in_sync_ = false;
};

}  // namespace etcdsync::replication
