// SPDX-License-Identifier: Apache-2.0
#include "etcd/endpoint_news.hpp"

namespace etcdsync::etcd {

void endpoint_news::passed_over(const net::endpoint& which, const error& why) {
    if (!told_.insert(which.url).second) return;
    log_->warn("an endpoint is of no use, another one serves", {{"endpoint", which.url}, {"cause", why.text}});
}

void endpoint_news::works(const net::endpoint& which) {
    if (told_.erase(which.url) > 0) log_->info("an endpoint is of use again", {{"endpoint", which.url}});
}

}  // namespace etcdsync::etcd
