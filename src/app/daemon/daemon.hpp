// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"
#include "app/daemon/environment.hpp"
#include "app/daemon/slave_result.hpp"
#include "config/config.hpp"
#include "replication/setup/replicator.hpp"

namespace etcdsync::app {

/// How long a Txn in flight may take to finish after a request to stop.
inline constexpr std::chrono::seconds stop_timeout{5};

/// Replicates as a configuration says. All access to the system goes through `environment`, so tests run the same code in memory.
class daemon {
public:
    /// `settings` is copied.
    daemon(environment with, const config::config& settings, const replication::job& what = {})
        : env_(std::move(with)), replicator_(settings, env_.for_replication(), what) {}

    /// Replicates until a signal requests a stop, then lets the Txns in flight finish.
    aio::awaitable<exit_code> run();

    /// Runs a one-shot job until it is done, the master is unreachable for too long, or a signal requests a stop.
    aio::awaitable<sync_result> run_once();

    /// Ends all tasks immediately, as a crash does: does not wait for Txns in flight. After this, the object may be destroyed even if
    /// a canceled run() has not returned.
    aio::awaitable<> abandon() { return replicator_.stop({}); }

    [[nodiscard]] replication::status current() const { return replicator_.current(); }

private:
    environment env_;
    replication::replicator replicator_;
};

}  // namespace etcdsync::app
