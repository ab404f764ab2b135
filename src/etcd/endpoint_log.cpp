// SPDX-License-Identifier: Apache-2.0
#include "etcd/endpoint_log.hpp"

namespace etcdsync::etcd {

void endpoint_log::unavailable(const net::endpoint& endpoint, const error& cause) {
    if (!unavailable_.insert(endpoint.url).second) return;
    log_->warn("an endpoint is unavailable, another one serves", {{"endpoint", endpoint.url}, {"cause", cause.text}});
}

void endpoint_log::available(const net::endpoint& endpoint) {
    if (unavailable_.erase(endpoint.url) > 0)
        log_->info("an endpoint is available again", {{"endpoint", endpoint.url}});
}

}  // namespace etcdsync::etcd
