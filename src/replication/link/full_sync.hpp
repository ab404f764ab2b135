// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/compare/guard.hpp"
#include "replication/link/full_sync_pass.hpp"
#include "replication/link/pinned_revision.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace etcdsync::replication {

/// A full sync of one session: the order of its passes, what the guard allows, and how it survives a compaction (design.md
/// section 6). What it counted lasts as long as the session.
class full_sync {
public:
    full_sync(slave_session& session, advancer& moves, catch_up& missed)
        : session_(&session), advancer_(&moves), catch_up_(&missed), parts_(session.parts()),
          position_(session.position()) {}

    /// After the claim: continues the pass that position() is at, if any. `reason` says why the full sync runs.
    void resume(std::string reason);

    /// Starts at the first key, at the master's current revision. If the master is not proven to have the history the slave was
    /// copied from, nothing is written before everything was counted.
    aio::awaitable<step_result> begin(std::string reason);

    /// Continues page by page until the slave equals the master at R.
    aio::awaitable<step_result> run();

    /// Everything was compared, or is being compared, in this session.
    [[nodiscard]] bool has_compared() const { return compared_; }

private:
    aio::awaitable<step_result> run_pass(pinned_revision& pinned);
    aio::awaitable<step_result> end_pass(pinned_revision& pinned);
    aio::awaitable<step_result> guard_prune(pinned_revision& pinned);
    aio::awaitable<step_result> change_pass(sync_pass to);
    /// The pinned revision is gone.
    aio::awaitable<step_result> move_on(pinned_revision& pinned, const full_sync_pass& after, const etcd::error& why);
    aio::awaitable<etcd::result<bool>> slave_is_empty();
    aio::awaitable<step_result> skip_count_of_empty_slave();
    void start_count();
    void report_kept_keys();

    slave_session* session_;
    advancer* advancer_;
    catch_up* catch_up_;
    const link_parts& parts_;
    checkpoint& position_;
    std::string reason_;
    bool compared_ = false;
    unsigned fruitless_ = 0;               ///< consecutive pinned revisions at which no page could be read
    std::optional<census> found_;          ///< by the current pass; nothing if a part of it is not known
    std::optional<census> extra_;          ///< keys only on the slave, while they are counted,
    std::string extra_frontier_;           ///< and how far that is
    std::optional<std::uint64_t> budget_;  ///< keys a prune pass may still delete: what was counted and allowed
};

}  // namespace etcdsync::replication
