// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/catch_up.hpp"

#include <utility>

namespace etcdsync::replication {

/// R of a full sync, the revision at which it reads the pages of the master: chosen while nothing is copied, and moved on when
/// the master no longer has it. Lives as long as the connection over which the pages are read.
class pinned_revision {
public:
    pinned_revision(slave_session& session, advancer& moves, catch_up& missed, etcd::kv master)
        : session_(&session), advancer_(&moves), catch_up_(&missed), parts_(session.parts()),
          position_(session.position()), master_(std::move(master)) {}

    /// Proves the master again, and advances what earlier connections copied to the head of the log. `restart` if it is another
    /// master.
    aio::awaitable<step_result> resume();

    /// Moves R to the newest revision, as long as nothing is copied, and stores what proves the master at R.
    aio::awaitable<step_result> choose();

    /// After the master compacted R, or the log is about to drop it: advances the keys below the frontier to a newer R.
    aio::awaitable<step_result> move_on();

    /// For the pages.
    [[nodiscard]] etcd::kv& master() { return master_; }

private:
    aio::awaitable<step_result> prove_again();
    /// Finds E for a checkpoint that has none. Not finding it is no failure.
    aio::awaitable<step_result> find_event();

    slave_session* session_;
    advancer* advancer_;
    catch_up* catch_up_;
    const link_parts& parts_;
    checkpoint& position_;
    etcd::kv master_;
};

}  // namespace etcdsync::replication
