// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/task_group.hpp"
#include "base/random.hpp"
#include "etcd/cluster.hpp"
#include "replication/link/link.hpp"
#include "replication/master/feed.hpp"
#include "replication/setup/environment.hpp"
#include "replication/setup/feed_plan.hpp"
#include "replication/status/context.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace etcdsync::replication {

/// What all feeds and links of a replicator have in common.
struct common_settings {
    std::chrono::milliseconds probe_interval;
    std::string writer;  ///< random per process
    bool once = false;
};

/// The task group, the stream of random numbers and the context of one feed or link, so that it can be stopped and joined while
/// the others run.
class own_context {
public:
    /// `env` outlives this. `name` tells this part from the others.
    own_context(const environment& env, const common_settings& common, const std::string& name);

    aio::task_group tasks;
    base::random_source random;
    context with;
};

/// A feed with what it works with. Stop it (cancel and join `own.tasks`) before its end, and after the links that read from it.
struct running_feed {
    running_feed(const environment& env, const common_settings& common, const etcd::cluster_options& master,
                 const feed_plan& plan, std::size_t log_bytes, std::string endpoints);

    own_context own;
    std::string rule;
    etcd::cluster master;  ///< its own: an endpoint that one feed avoids is still tried by another
    feed source;
};

/// The leader of one slave with what it works with. Stop it (cancel and join `own.tasks`) before its end, and after the links of
/// this slave.
struct running_leader {
    running_leader(const environment& env, const common_settings& common, const etcd::cluster_options& slave,
                   leader_settings settings);

    own_context own;
    std::string slave;
    leader work;
};

/// A link with what it works with. Stop it (cancel and join `own.tasks`) before its end.
struct running_link {
    running_link(const environment& env, const common_settings& common, const etcd::cluster_options& master,
                 const etcd::cluster_options& slave, link_settings settings, const mapping& keys, feed& source,
                 work_permits& allowed, leader* led_by);

    own_context own;
    link work;
};

}  // namespace etcdsync::replication
