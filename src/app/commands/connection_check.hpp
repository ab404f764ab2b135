// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/task_group.hpp"
#include "app/daemon/connection_report.hpp"
#include "app/daemon/environment.hpp"
#include "config/config.hpp"
#include "etcd/cluster.hpp"

#include <optional>
#include <vector>

namespace etcdsync::app {

/// Connects to all endpoints of all clusters of a configuration and checks the permissions that replication needs. Writes nothing, and
/// needs no more permissions than replication.
class connection_check {
public:
    /// `settings` outlives it.
    connection_check(environment with, const config::config& settings);

    /// Checks all clusters at the same time. Nullopt if a signal asked to stop meanwhile.
    aio::awaitable<std::optional<std::vector<cluster_report>>> run();

private:
    using permissions = std::vector<replication::permission>;

    aio::awaitable<> check_master(cluster_report& into);
    aio::awaitable<> check_slave(const config::slave& slave, cluster_report& into);
    aio::awaitable<std::optional<etcd::kv>> find_usable(const config::cluster& where,
                                                        const replication::permission& first, cluster_report& into);
    aio::awaitable<std::optional<etcd::kv>> try_endpoint(etcd::cluster_options only, etcd::range_query probe,
                                                         endpoint_answer& into);
    aio::awaitable<> ask(etcd::kv& of, const permissions& needed, cluster_report& into);

    environment env_;
    const config::config& settings_;
    aio::task_group tasks_;
    std::size_t unfinished_ = 0;
};

}  // namespace etcdsync::app
