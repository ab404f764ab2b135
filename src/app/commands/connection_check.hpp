// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/process/foreground.hpp"
#include "app/render/connection_report.hpp"
#include "config/config.hpp"
#include "etcd/cluster.hpp"

#include <optional>
#include <vector>

namespace etcdsync::app {

/// Connects to all endpoints of all clusters of a configuration and asks for what they will have to let us do. Writes nothing, and asks
/// nothing that needs more rights than the work itself.
class connection_check {
public:
    /// `settings` outlives it.
    connection_check(foreground& at, const config::config& settings);

    /// All clusters at once. Nothing where the command was asked to stop meanwhile.
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

    foreground& at_;
    const config::config& settings_;
    replication::environment env_;
    aio::task_group tasks_;
    std::size_t unfinished_ = 0;
};

}  // namespace etcdsync::app
