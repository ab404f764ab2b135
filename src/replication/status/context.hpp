// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "aio/task_group.hpp"
#include "base/random.hpp"
#include "observe/log.hpp"

#include <string>

namespace etcdsync::replication {

/// The services that every part of the replicator shares. Outlives all of them.
struct context {
    aio::clock& clock;
    base::random_source& random;
    const observe::logger& log;
    aio::task_group& tasks;
    std::chrono::milliseconds probe_interval;
    std::string writer;                 ///< random per process; identifies who wrote a checkpoint
    bool once = false;                  ///< a one-shot job: retries are limited
    std::string program = "etcd-sync";  ///< the start of suggested commands (suggestions.hpp)
};

}  // namespace etcdsync::replication
