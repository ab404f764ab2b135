// SPDX-License-Identifier: Apache-2.0
#include "etcd/cluster.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::etcd {
namespace {

/// What every member would say is no fault of this one.
bool is_about_us(const error& e) { return is_permission_denied(e) || e.cls == error_class::reauthenticate; }

}  // namespace

cluster::cluster(net::dialer& dialer, aio::clock& clock, aio::task_group& tasks, cluster_options options)
    : dialer_(&dialer), clock_(&clock), tasks_(&tasks), options_(std::move(options)) {}

aio::awaitable<result<std::shared_ptr<net::channel>>> cluster::connect(const net::channel_options& options) {
    error last(error_class::retry, "no endpoint");
    const std::size_t first = preferred_;
    for (std::size_t i = 0; i < options_.endpoints.size(); ++i) {
        const std::size_t which = (first + i) % options_.endpoints.size();
        auto channel = co_await connect_to(options_.endpoints[which], options);
        if (channel) {
            auto unfit = co_await why_unfit(*channel);
            if (!unfit) {
                cluster_id_ = asked_cluster_;
                prefer(which);
                co_return std::move(*channel);
            }
            (*channel)->close();
            last = std::move(*unfit);
        } else {
            last = channel.error();
        }
        // Users are the cluster's. A certificate one member refuses another may take.
        if (options_.auth && options_.auth->refused()) break;
    }
    co_return last;
}

aio::awaitable<result<std::shared_ptr<net::channel>>> cluster::connect_to(net::endpoint to,
                                                                          net::channel_options options) {
    auto stream = co_await dialer_->dial(to, clock_->now() + options_.dial_timeout);
    if (!stream) {
        const net::failure& why = stream.error();
        co_return error(why.access_denied ? error_class::denied : error_class::retry, why.text);
    }
    auto channel = net::make_http2_channel(std::move(*stream), std::move(to), *clock_, *tasks_, options);
    if (!options_.auth) co_return channel;
    const auto logged_in = co_await options_.auth->log_in(*channel, options_.request_timeout);
    if (!logged_in) {
        channel->close();
        co_return logged_in.error();
    }
    co_return make_authenticated_channel(std::move(channel), options_.auth, options_.request_timeout);
}

void cluster::avoid(const net::endpoint& peer) {
    for (std::size_t i = 0; i < options_.endpoints.size(); ++i) {
        if (options_.endpoints[i].url != peer.url) continue;
        if (return_ && return_->to == i) return_->came_to_nothing(clock_->now(), options_.return_interval);
        prefer((i + 1) % options_.endpoints.size());
    }
}

void cluster::return_watch::came_to_nothing(aio::clock::time_point now, std::chrono::milliseconds interval) {
    constexpr std::chrono::minutes soon{1};
    constexpr std::chrono::milliseconds longest = std::chrono::minutes(10);
    pause = now - last < soon ? std::min(2 * pause, longest) : interval;
}

aio::awaitable<std::optional<error>> cluster::why_unfit(std::shared_ptr<net::channel> member) {
    if (!probe_ || options_.endpoints.size() < 2) co_return std::nullopt;
    kv asked(std::move(member), *clock_, options_.request_timeout);
    const auto page = co_await asked.range(*probe_);
    if (!page && is_about_us(page.error())) co_return std::nullopt;
    if (!page) co_return page.error();
    asked_cluster_ = page->header.cluster_id;
    co_return std::nullopt;
}

void cluster::watch_for_return(std::function<void()> listener) {
    return_.emplace(return_watch{std::move(listener), options_.return_interval});
}

void cluster::prefer(std::size_t which) {
    preferred_ = which;
    if (which == 0 || !return_ || return_->running) return;
    return_->running = true;
    tasks_->spawn("return to " + options_.endpoints.front().url, look_for_better());
}

aio::awaitable<> cluster::look_for_better() {
    while (preferred_ != 0) {
        co_await aio::sleep(*clock_, return_->pause);
        for (std::size_t i = 0; i < preferred_; ++i) {
            const bool better = co_await answers(options_.endpoints[i]);
            if (!better || i >= preferred_) continue;
            preferred_ = i;
            return_->to = i;
            return_->last = clock_->now();
            return_->listener();
        }
    }
    return_->running = false;
}

aio::awaitable<bool> cluster::answers(net::endpoint to) {
    net::channel_options small;
    small.http2.stream_window = 64U << 10;
    small.http2.connection_window = 64U << 10;
    const auto channel = co_await connect_to(std::move(to), small);
    if (!channel) co_return false;
    const auto unfit = co_await why_unfit(*channel);
    (*channel)->close();
    // A member that was made anew is a cluster of its own, however good it looks.
    co_return !unfit && asked_cluster_ == cluster_id_;
}

}  // namespace etcdsync::etcd
