// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"
#include "app/daemon/environment.hpp"
#include "app/daemon/slave_result.hpp"
#include "config/config.hpp"
#include "replication/setup/replicator.hpp"

namespace etcdsync::app {

/// How long a Txn in flight may take to finish after the request to stop.
inline constexpr std::chrono::seconds stop_patience{5};

/// The whole daemon, built from a configuration on an environment: the same in the process and in tests. The commands are thin on it.
class daemon {
public:
    /// `settings` is copied.
    daemon(environment with, const config::config& settings, const replication::job& what = {})
        : env_(std::move(with)), replicator_(settings, env_.for_replication(), what) {}

    /// Replicates until a signal asks to stop, then lets the Txns in flight finish.
    aio::awaitable<exit_code> run();

    /// Runs a one-shot job until it ends by itself, the master stays away, or a signal asks to stop.
    aio::awaitable<sync_result> run_once();

    /// Ends all tasks at once, as a crash does: Txns in flight are left as they are. Afterwards this object can be destroyed while
    /// run() has not returned, but was canceled.
    aio::awaitable<> abandon() { return replicator_.stop({}); }

    [[nodiscard]] replication::status current() const { return replicator_.current(); }

private:
    environment env_;
    replication::replicator replicator_;
};

}  // namespace etcdsync::app
