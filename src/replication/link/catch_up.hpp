// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/advancer.hpp"
#include "replication/master/replay.hpp"
#include "replication/record/proof.hpp"

#include <deque>
#include <memory>

namespace etcdsync::replication {

/// Applies the revisions a link missed, from a watch of its own, until the log reaches back to R; and decides what follows if
/// the master no longer has that history (design.md section 6, Link 5 and 6).
class catch_up {
public:
    catch_up(slave_session& session, advancer& moves)
        : session_(&session), advancer_(&moves), parts_(session.parts()), position_(session.position()) {}

    /// `done` once the log can take over. `watch_violated` if the watch cannot be trusted: then a full sync is owed.
    aio::awaitable<step_result> run();

    /// Replays once from R, as far as one watch leads. The caller holds a permit.
    aio::awaitable<step_result> replay_missed();

    /// The master's history behind R is gone. If the master's present state shows that nothing changed, R moves on; else the
    /// result is `compare`, or `restart` if the master is another one.
    aio::awaitable<step_result> outlive_compaction(etcd::error why);

private:
    [[nodiscard]] bool log_takes_over() const;
    /// E is compacted, which `compacted` says.
    aio::awaitable<etcd::result<proof>> prove_by_state(std::shared_ptr<net::channel> on, std::string compacted);
    aio::awaitable<step_result> replay_from(std::shared_ptr<net::channel> on, replay::start from);
    aio::awaitable<step_result> apply_waiting(std::deque<log_entry>& waiting, revision end);

    slave_session* session_;
    advancer* advancer_;
    const link_parts& parts_;
    checkpoint& position_;
};

}  // namespace etcdsync::replication
