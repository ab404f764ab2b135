// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/link_table.hpp"

#include "replication/compare/page_reader.hpp"
#include "replication/setup/clusters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace etcdsync::replication {
namespace {

std::string urls(const config::cluster& settings) {
    std::string out;
    for (const config::endpoint& endpoint : settings.endpoints) out += (out.empty() ? "" : " ") + endpoint.url;
    return out;
}

/// The memory for the log, divided among the feeds.
std::size_t log_bytes(const config::replication& replicate, std::size_t feeds) {
    constexpr std::uint64_t least = 64U << 10;
    return std::max(least, replicate.log_limit.value / std::max<std::size_t>(feeds, 1));
}

/// Moves what `leaves` from one list to the end of another.
template <class T, class Leaves>
void move_out(std::vector<std::unique_ptr<T>>& from, std::vector<std::unique_ptr<T>>& to, Leaves leaves) {
    const auto first =
        std::stable_partition(from.begin(), from.end(), [&](const std::unique_ptr<T>& one) { return !leaves(*one); });
    std::move(first, from.end(), std::back_inserter(to));
    from.erase(first, from.end());
}

bool txn_in_flight(const std::vector<std::unique_ptr<running_link>>& links) {
    return std::ranges::any_of(links, [](const auto& link) { return link->work.txn_in_flight(); });
}

/// For lists that the caller keeps while it waits.
template <class T>
aio::awaitable<> join_each(const std::vector<std::unique_ptr<T>>& all) {
    for (const auto& one : all) one->own.tasks.cancel();
    for (std::size_t i = 0; i < all.size(); ++i) co_await all[i]->own.tasks.join();
}

aio::awaitable<> wait_for_txns(aio::clock& clock, const std::vector<std::unique_ptr<running_link>>& links,
                               aio::clock::time_point until) {
    constexpr std::chrono::milliseconds look_every{5};
    while (txn_in_flight(links) && clock.now() < until) co_await aio::sleep(clock, look_every);
}

}  // namespace

link_table::link_table(const environment& env, const job& what) : env_(env), job_(what) {
    common_.writer = fmt::format("{:016x}", env_.random.stream("writer").next());
    common_.once = what.once;
}

void link_table::build(std::shared_ptr<const config::config> settings, const reconfiguration& changes) {
    const bool first = settings_ == nullptr;
    settings_ = std::move(settings);
    permits_.resize(settings_->replicate.full_sync_parallel);
    if (first || changes.rebuild_all) {
        common_.probe_interval = settings_->replicate.probe_interval;
        to_master_ = options_for(settings_->master);
    }
    const std::vector<feed_plan> plans = plan_feeds(*settings_);
    for (const feed_plan& plan : plans) {
        running_feed& feed = build_feed(plan);
        feed.source.set_log_limit(log_bytes(settings_->replicate, plans.size()));
        if (changes.reselect.contains(plan.rule)) feed.source.select(plan.cover(), plan.selector());
        for (const link_plan& link : plan.links) build_link(plan, link, feed);
    }
    for (const std::string& slave : changes.paused) {
        for (link* one : links_of(slave)) one->pause();
    }
    for (const std::string& slave : changes.resumed) {
        for (link* one : links_of(slave)) one->resume();
    }
    sort();
}

std::vector<link*> link_table::links_of(std::string_view slave) const {
    std::vector<link*> out;
    for (const auto& one : links_) {
        if (one->work.current().slave == slave) out.push_back(&one->work);
    }
    return out;
}

running_feed& link_table::build_feed(const feed_plan& plan) {
    for (const auto& feed : feeds_) {
        if (feed->rule == plan.rule) return *feed;
    }
    feeds_.push_back(std::make_unique<running_feed>(env_, common_, to_master_, plan, log_bytes(settings_->replicate, 1),
                                                    urls(settings_->master)));
    running_feed& built = *feeds_.back();
    if (started_) built.own.tasks.spawn("run", built.source.run());
    return built;
}

void link_table::build_link(const feed_plan& from, const link_plan& plan, running_feed& source) {
    const bool there = std::ranges::any_of(links_, [&](const auto& link) {
        const link_status& now = link->work.current();
        return now.slave == plan.slave && now.rule == from.rule;
    });
    if (there) return;
    const config::slave& slave = *std::ranges::find(settings_->slaves, plan.slave, &config::slave::name);
    links_.push_back(std::make_unique<running_link>(env_, common_, to_master_, options_of_slave(slave),
                                                    settings_of(from, plan, source.source), plan.wanted().keys,
                                                    source.source, permits_));
    if (slave.paused) links_.back()->work.pause();
    if (started_) links_.back()->own.tasks.spawn("run", links_.back()->work.run());
}

link_settings link_table::settings_of(const feed_plan& from, const link_plan& plan, const feed& source) const {
    const config::slave& slave = *std::ranges::find(settings_->slaves, plan.slave, &config::slave::name);
    link_settings own;
    own.slave = slave.name;
    own.rule = from.rule;
    own.instance = settings_->instance;
    own.checkpoint_key = plan.wanted().key;
    own.records = plan.records;
    own.log_since = source.selected_since();
    own.endpoints = urls(slave);
    own.page_bytes = page_bytes(settings_->replicate);
    own.limits.max_ops = settings_->replicate.txn_max_ops;
    own.limits.max_bytes = settings_->replicate.txn_max_bytes.value;
    own.guards.safety = slave.guards;
    own.guards.approved = job_.approve;
    own.guards.adopts_foreign_keys = job_.approve;
    own.once = job_.once;
    return own;
}

etcd::cluster_options link_table::options_for(const config::cluster& of) const {
    return cluster_options_for(of, settings_->replicate, env_.clock, env_.executor, env_.files, env_.log);
}

const etcd::cluster_options& link_table::options_of_slave(const config::slave& slave) {
    const auto found = to_slaves_.find(slave.name);
    if (found != to_slaves_.end()) return found->second;
    return to_slaves_.emplace(slave.name, options_for(slave)).first->second;
}

void link_table::sort() {
    const auto rule_index = [this](const std::string& rule) {
        return std::ranges::find(settings_->rules, rule, &config::rule::name) - settings_->rules.begin();
    };
    const auto slave_index = [this](const std::string& slave) {
        return std::ranges::find(settings_->slaves, slave, &config::slave::name) - settings_->slaves.begin();
    };
    std::ranges::sort(feeds_, {}, [&](const auto& feed) { return rule_index(feed->rule); });
    std::ranges::sort(links_, {}, [&](const auto& link) {
        const link_status& now = link->work.current();
        return std::pair(slave_index(now.slave), rule_index(now.rule));
    });
}

void link_table::take_out(const config::config& next, const reconfiguration& changes) {
    const std::vector<feed_plan> plans = plan_feeds(next);
    move_out(links_, leaving_links_,
             [&](const running_link& one) { return !changes.kept.contains(one.work.current().slave); });
    move_out(feeds_, leaving_feeds_, [&](const running_feed& one) {
        return changes.rebuild_all || std::ranges::find(plans, one.rule, &feed_plan::rule) == plans.end();
    });
    std::erase_if(to_slaves_, [&](const auto& one) { return !changes.kept.contains(one.first); });
    for (const auto& link : leaving_links_) link->work.stop();
}

void link_table::start() {
    started_ = true;
    for (const auto& feed : feeds_) feed->own.tasks.spawn("run", feed->source.run());
    for (const auto& link : links_) link->own.tasks.spawn("run", link->work.run());
}

void link_table::stop_links() {
    for (const auto& link : links_) link->work.stop();
}

aio::awaitable<> link_table::join_leaving(aio::clock::duration patience) {
    co_await wait_for_txns(env_.clock, leaving_links_, env_.clock.now() + patience);
    co_await join_each(leaving_links_);
    co_await join_each(leaving_feeds_);  // links read from them to the last
    leaving_links_.clear();
    leaving_feeds_.clear();
}

aio::awaitable<> link_table::join_all(aio::clock::duration patience) {
    const auto until = env_.clock.now() + patience;
    co_await wait_for_txns(env_.clock, links_, until);
    co_await join_leaving(until - env_.clock.now());
    co_await join_each(links_);
    co_await join_each(feeds_);
}

}  // namespace etcdsync::replication
