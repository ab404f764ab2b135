// SPDX-License-Identifier: Apache-2.0
#include "etcd/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace etcdsync::etcd {
namespace {

/// Every member would answer the same: the member is healthy.
bool concerns_our_user(const error& e) { return is_permission_denied(e) || e.cls == error_class::reauthenticate; }

/// The causes of all endpoints in the order of the configuration, each once. The class is `denied`
/// if one of them is, because only a change of the configuration or of the users helps then.
error combined(const std::vector<std::optional<error>>& failed) {
    error all(error_class::retry, "no endpoints");
    std::vector<std::string_view> texts;
    for (const std::optional<error>& one : failed) {
        if (!one) continue;
        if (all.cls != error_class::denied) all.cls = one->cls;
        if (std::ranges::find(texts, one->text) == texts.end()) texts.push_back(one->text);
    }
    if (!texts.empty()) all.text = fmt::format("{}", fmt::join(texts, "; "));
    return all;
}

}  // namespace

cluster::cluster(net::dialer& dialer, aio::clock& clock, aio::task_group& tasks, cluster_options options)
    : dialer_(&dialer), clock_(&clock), tasks_(&tasks), options_(std::move(options)) {}

aio::awaitable<cluster::channel_result> cluster::connect(const net::channel_options& options) {
    std::vector<std::optional<error>> failed(options_.endpoints.size());
    const std::size_t first = preferred_;
    for (std::size_t i = 0; i < options_.endpoints.size(); ++i) {
        const std::size_t which = (first + i) % options_.endpoints.size();
        auto opened = co_await open(options_.endpoints[which], options);
        if (!opened) {
            failed[which] = opened.error();
            continue;
        }
        auto channel = co_await log_in(std::move(*opened));
        if (!channel) {
            // Users belong to the cluster; but a certificate that one member refuses, another may
            // accept.
            if (options_.auth->refused()) co_return channel.error();
            failed[which] = channel.error();
            continue;
        }
        failed[which] = co_await check_health(*channel);
        if (!failed[which]) {
            use(which, failed);
            co_return std::move(*channel);
        }
        (*channel)->close();
    }
    co_return combined(failed);
}

void cluster::use(std::size_t which, const std::vector<std::optional<error>>& failed) {
    cluster_id_ = probed_cluster_id_;
    prefer(which);
    if (!options_.log) return;
    for (std::size_t i = 0; i < failed.size(); ++i) {
        if (failed[i]) options_.log->unavailable(options_.endpoints[i], *failed[i]);
    }
    options_.log->available(options_.endpoints[which]);
}

aio::awaitable<cluster::channel_result> cluster::open(net::endpoint to, net::channel_options options) {
    auto stream = co_await dialer_->dial(to, clock_->now() + options_.dial_timeout);
    if (!stream) {
        const net::failure& why = stream.error();
        co_return error(why.access_denied ? error_class::denied : error_class::retry, why.text);
    }
    if (options_.pings) {
        options.keepalive_time = options_.pings->of(to, options.keepalive_time);
        options.on_too_many_pings = [pings = options_.pings, to, interval = options.keepalive_time] {
            pings->note_too_many(to, interval);
        };
    }
    co_return net::make_http2_channel(std::move(*stream), std::move(to), *clock_, *tasks_, options);
}

aio::awaitable<cluster::channel_result> cluster::log_in(std::shared_ptr<net::channel> on) {
    if (!options_.auth) co_return on;
    const auto logged_in = co_await options_.auth->log_in(*on, options_.request_timeout);
    if (!logged_in) {
        on->close();
        co_return logged_in.error();
    }
    co_return make_authenticated_channel(std::move(on), options_.auth, options_.request_timeout);
}

void cluster::avoid(const net::endpoint& peer) {
    for (std::size_t i = 0; i < options_.endpoints.size(); ++i) {
        if (options_.endpoints[i].url != peer.url) continue;
        if (failback_ && failback_->to == i) failback_->failback_failed(clock_->now(), options_.failback_interval);
        prefer((i + 1) % options_.endpoints.size());
    }
}

void cluster::failback::failback_failed(aio::clock::time_point now, std::chrono::milliseconds interval) {
    constexpr std::chrono::minutes soon{1};
    constexpr std::chrono::milliseconds longest = std::chrono::minutes(10);
    pause = now - last < soon ? std::min(2 * pause, longest) : interval;
}

aio::awaitable<std::optional<error>> cluster::check_health(std::shared_ptr<net::channel> member) {
    if (!health_probe_ || options_.endpoints.size() < 2) co_return std::nullopt;
    kv prober(std::move(member), *clock_, options_.request_timeout);
    const auto page = co_await prober.range(*health_probe_);
    if (!page && concerns_our_user(page.error())) {
        probed_cluster_id_ = cluster_id_;  // it does not say which one it is
        co_return std::nullopt;
    }
    if (!page) co_return page.error();
    probed_cluster_id_ = page->header.cluster_id;
    co_return std::nullopt;
}

aio::subscription cluster::enable_failback(std::function<void()> listener) {
    failback_.emplace();
    failback_->pause = options_.failback_interval;
    return failback_->on_failback.subscribe(std::move(listener));
}

void cluster::prefer(std::size_t which) {
    preferred_ = which;
    if (which == 0 || !failback_ || failback_->running) return;
    failback_->running = true;
    tasks_->spawn("fail back to " + options_.endpoints.front().url, try_preferred_endpoints());
}

aio::awaitable<> cluster::try_preferred_endpoints() {
    while (preferred_ != 0) {
        co_await aio::sleep(*clock_, failback_->pause);
        for (std::size_t i = 0; i < preferred_; ++i) {
            const bool better = co_await is_healthy(options_.endpoints[i]);
            if (!better || i >= preferred_) continue;
            preferred_ = i;
            failback_->to = i;
            failback_->last = clock_->now();
            failback_->on_failback.notify();
        }
    }
    failback_->running = false;
}

aio::awaitable<bool> cluster::is_healthy(net::endpoint to) {
    net::channel_options small;
    small.http2.stream_window = 64U << 10;
    small.http2.connection_window = 64U << 10;
    auto opened = co_await open(to, small);
    if (!opened) co_return false;
    const auto channel = co_await log_in(std::move(*opened));
    if (!channel) co_return false;
    const auto unfit = co_await check_health(*channel);
    (*channel)->close();
    // A member that was re-created is a cluster of its own, even if it answers well.
    const bool good = !unfit && probed_cluster_id_ == cluster_id_;
    if (good && options_.log) options_.log->available(to);
    co_return good;
}

}  // namespace etcdsync::etcd
