// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/clusters.hpp"

#include "config/files/files.hpp"

#include <algorithm>

namespace etcdsync::replication {
namespace {

/// A preferred endpoint is probed less often than an unreachable cluster.
constexpr int probe_intervals_per_failback = 3;

std::shared_ptr<net::tls_client> tls_for(const config::cluster& settings, const base::file_reader& files,
                                         const observe::logger& log) {
    const auto is_tls = [](const config::endpoint& e) { return e.tls; };
    if (std::none_of(settings.endpoints.begin(), settings.endpoints.end(), is_tls)) return nullptr;
    return std::make_shared<net::tls_client>(tls_options_for(settings.tls), files, log);
}

}  // namespace

std::string urls(const config::cluster& settings) {
    std::string out;
    for (const config::endpoint& endpoint : settings.endpoints) out += (out.empty() ? "" : " ") + endpoint.url;
    return out;
}

net::tls_options tls_options_for(const config::tls_settings& settings) {
    net::tls_options options;
    options.ca = settings.ca;
    options.cert = settings.cert;
    options.key = settings.key;
    options.server_name = settings.server_name;
    options.insecure_skip_verify = settings.insecure_skip_verify;
    return options;
}

etcd::cluster_options cluster_options_for(const config::cluster& settings, const config::replication& replicate,
                                          aio::clock& clock, const aio::asio::any_io_executor& executor,
                                          const base::file_reader& files, const observe::logger& log) {
    etcd::cluster_options options;
    options.request_timeout = replicate.request_timeout;
    options.failback_interval = probe_intervals_per_failback * replicate.probe_interval;
    options.log = std::make_shared<etcd::endpoint_log>(log);
    options.pings = std::make_shared<etcd::ping_intervals>(log);
    const auto tls = tls_for(settings, files, log);
    for (const config::endpoint& from : settings.endpoints)
        options.endpoints.push_back({from.url, from.host, from.port, from.tls ? tls : nullptr, from.socket});
    if (settings.auth.user.empty()) return options;
    etcd::credentials who;
    who.user = settings.auth.user;
    who.read_password = [auth = settings.auth, &files] { return config::read_password(files, auth); };
    options.auth = std::make_shared<etcd::authenticator>(std::move(who), clock, executor);
    return options;
}

}  // namespace etcdsync::replication
