// SPDX-License-Identifier: Apache-2.0
#include "etcd/cluster.hpp"

#include <utility>

namespace etcdsync::etcd {

cluster::cluster(net::dialer& dialer, aio::clock& clock, aio::task_group& tasks, cluster_options options)
    : dialer_(&dialer), clock_(&clock), tasks_(&tasks), options_(std::move(options)) {}

aio::awaitable<result<std::shared_ptr<net::channel>>> cluster::connect(const net::channel_options& options) {
    error last(error_class::retry, "no endpoint");
    const std::size_t first = preferred_;
    for (std::size_t i = 0; i < options_.endpoints.size(); ++i) {
        const net::endpoint to = options_.endpoints[(first + i) % options_.endpoints.size()];
        auto stream = co_await dialer_->dial(to, clock_->now() + options_.dial_timeout);
        if (stream) {
            preferred_ = (first + i) % options_.endpoints.size();
            co_return net::make_http2_channel(std::move(*stream), to, *clock_, *tasks_, options);
        }
        last = error(error_class::retry, stream.error().text);
    }
    co_return last;
}

void cluster::avoid(const net::endpoint& peer) {
    for (std::size_t i = 0; i < options_.endpoints.size(); ++i) {
        if (options_.endpoints[i].url == peer.url) preferred_ = (i + 1) % options_.endpoints.size();
    }
}

}  // namespace etcdsync::etcd
