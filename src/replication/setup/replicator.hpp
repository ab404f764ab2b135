// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "config/config.hpp"
#include "replication/setup/environment.hpp"
#include "replication/setup/job.hpp"
#include "replication/status/status.hpp"

#include <memory>
#include <string_view>

namespace etcdsync::replication {

/// Keeps all slaves of a configuration equal to the master. One feed, one log, one link per slave; in consistency = "rule" one
/// feed and log per rule, one link per slave and rule. Each feed and link has its own tasks, so that one can be stopped and built
/// anew while the others run.
class replicator {
public:
    replicator(const config::config& settings, environment with, const job& what = {});
    ~replicator();
    replicator(const replicator&) = delete;

    /// Starts everything and returns at once. No failure of a peer ends it.
    void start();

    /// Continues with another configuration. Links of slaves whose settings and rules are unchanged keep their connection and
    /// their position (reconfiguration.hpp). Before a link is rebuilt or removed, its Txn in flight may finish, for `patience` at
    /// most. A second call waits for the first one; of several that wait, only the latest is carried out. False if this one was
    /// not, or if stop() was called. If it is canceled, links may be missing until the next call.
    aio::awaitable<bool> apply(std::shared_ptr<const config::config> settings, aio::clock::duration patience);

    /// Lets each Txn in flight finish, for `patience` at most, then ends all tasks. The replicator cannot be used after that.
    aio::awaitable<> stop(aio::clock::duration patience);

    /// For the links of one slave; false if there is no slave with this name. See link.
    bool pause(std::string_view slave);
    bool resume(std::string_view slave);
    bool resync(std::string_view slave);
    /// False also if there is nothing to do on any link of the slave.
    bool approve(std::string_view slave, bool foreign);

    [[nodiscard]] status current() const;

    /// True when every link of a one-shot job has ended by itself.
    [[nodiscard]] bool finished() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace etcdsync::replication
