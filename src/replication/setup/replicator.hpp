// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "aio/task_group.hpp"
#include "base/random.hpp"
#include "config/config.hpp"
#include "etcd/cluster.hpp"
#include "observe/log.hpp"
#include "replication/status/status.hpp"

#include <functional>
#include <memory>

namespace etcdsync::replication {

/// Everything the replicator needs of the outside: connections, time, chance, a place for lines, and a thread's executor.
struct environment {
    net::dialer& dialer;
    aio::clock& clock;
    base::random_source& random;
    const observe::logger& log;
    aio::asio::any_io_executor executor;
    std::function<void(const std::string& what)> on_bug;  ///< a task ended by an exception: the process cannot go on
};

/// What is to be done.
struct job {
    bool once = false;     ///< compare everything, make it equal, end: each link by itself
    bool approve = false;  ///< what a guard would hold is wanted; keys that stood on a slave before we came are deleted
};

/// Keeps all slaves of a configuration equal to the master. One feed, one log, one link a slave; in consistency = "rule" one feed and
/// log a rule, one link a slave and rule.
class replicator {
public:
    replicator(const config::config& settings, environment with, const job& what = {});
    ~replicator();
    replicator(const replicator&) = delete;

    /// Starts everything and returns at once. No failure of a peer ends it.
    void start();

    /// Lets each Txn in flight finish, for `patience` at the most, then ends all tasks. The replicator is done after that.
    aio::awaitable<> stop(aio::clock::duration patience);

    [[nodiscard]] status current() const;

    /// Of a job done once: every link has ended by itself.
    [[nodiscard]] bool finished() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace etcdsync::replication
