// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_reader.hpp"
#include "config/config.hpp"
#include "etcd/cluster.hpp"
#include "observe/log.hpp"

#include <string>

namespace etcdsync::replication {

/// The endpoints, for messages.
[[nodiscard]] std::string urls(const config::cluster& settings);

[[nodiscard]] net::tls_options tls_options_for(const config::tls_settings& settings);

/// The options for connections to a cluster of the configuration. Copies share TLS settings and the login token: make them once per
/// cluster. `clock`, `files` and `log` outlive the copies. Certificates and the password are read when they are needed.
[[nodiscard]] etcd::cluster_options cluster_options_for(const config::cluster& settings,
                                                        const config::replication& replicate, aio::clock& clock,
                                                        const aio::asio::any_io_executor& executor,
                                                        const base::file_reader& files, const observe::logger& log);

}  // namespace etcdsync::replication
