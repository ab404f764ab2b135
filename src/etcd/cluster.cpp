// SPDX-License-Identifier: Apache-2.0
#include "etcd/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace etcdsync::etcd {
namespace {

/// What every member would say is no fault of this one.
bool is_about_us(const error& e) { return is_permission_denied(e) || e.cls == error_class::reauthenticate; }

/// What each endpoint has against it, in the order of the configuration, and each cause once. A refusal decides: it takes a person.
error all_of(const std::vector<std::optional<error>>& failed) {
    error all(error_class::retry, "no endpoint");
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
            // Users are the cluster's. A certificate one member refuses another may take.
            if (options_.auth->refused()) co_return channel.error();
            failed[which] = channel.error();
            continue;
        }
        failed[which] = co_await why_unfit(*channel);
        if (!failed[which]) {
            use(which, failed);
            co_return std::move(*channel);
        }
        (*channel)->close();
    }
    co_return all_of(failed);
}

void cluster::use(std::size_t which, const std::vector<std::optional<error>>& failed) {
    cluster_id_ = asked_cluster_;
    prefer(which);
    if (!options_.news) return;
    for (std::size_t i = 0; i < failed.size(); ++i) {
        if (failed[i]) options_.news->passed_over(options_.endpoints[i], *failed[i]);
    }
    options_.news->works(options_.endpoints[which]);
}

aio::awaitable<cluster::channel_result> cluster::open(net::endpoint to, net::channel_options options) {
    auto stream = co_await dialer_->dial(to, clock_->now() + options_.dial_timeout);
    if (!stream) {
        const net::failure& why = stream.error();
        co_return error(why.access_denied ? error_class::denied : error_class::retry, why.text);
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
    auto opened = co_await open(to, small);
    if (!opened) co_return false;
    const auto channel = co_await log_in(std::move(*opened));
    if (!channel) co_return false;
    const auto unfit = co_await why_unfit(*channel);
    (*channel)->close();
    // A member that was made anew is a cluster of its own, however good it looks.
    const bool good = !unfit && asked_cluster_ == cluster_id_;
    if (good && options_.news) options_.news->works(to);
    co_return good;
}

}  // namespace etcdsync::etcd
