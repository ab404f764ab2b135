// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "etcd/cluster.hpp"
#include "observe/log.hpp"

namespace etcdsync::replication {

[[nodiscard]] net::tls_options tls_options_for(const config::tls_settings& settings);

/// The options to connect to a cluster of the configuration. All copies of them share TLS settings
/// and token, so make them once per cluster. `clock` and `log` outlive the copies. The password is
/// read when it is needed.
[[nodiscard]] etcd::cluster_options cluster_options_for(const config::cluster& settings,
                                                        const config::replication& replicate, aio::clock& clock,
                                                        const aio::asio::any_io_executor& executor,
                                                        const observe::logger& log);

}  // namespace etcdsync::replication
