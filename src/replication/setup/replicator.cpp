// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/replicator.hpp"

#include "replication/compare/page_reader.hpp"
#include "replication/link/link.hpp"
#include "replication/record/record_set.hpp"
#include "replication/setup/clusters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

namespace etcdsync::replication {

namespace {

std::string urls(const config::cluster& settings) {
    std::string out;
    for (const config::endpoint& endpoint : settings.endpoints) out += (out.empty() ? "" : " ") + endpoint.url;
    return out;
}

/// The memory for the log, shared out to the feeds.
std::size_t log_bytes(const config::replication& replicate, std::size_t feeds) {
    constexpr std::uint64_t least = 64U << 10;
    return std::max(least, replicate.log_limit.value / std::max<std::size_t>(feeds, 1));
}

/// Links that read from the same feed: all of them, or in consistency = "rule" those of one rule. They share nothing with others.
struct channel_plan {
    struct end {
        const config::slave* slave;
        const record_set* records;
        const wanted_record* record;
    };
    std::string rule;  ///< in consistency = "rule"
    std::vector<end> ends;

    [[nodiscard]] keys::key_range cover() const {
        keys::key_range all = ends.front().record->keys.cover();
        for (const end& one : ends) all = hull(all, one.record->keys.cover());
        return all;
    }
    [[nodiscard]] revision_assembler::selector selector() const {
        return [ends = ends](std::string_view key) {
            return std::any_of(ends.begin(), ends.end(),
                               [key](const end& one) { return one.record->keys.rule_of(key).has_value(); });
        };
    }
};

/// The records wanted on each slave, in the order of the configuration.
std::vector<record_set> wanted_records(const config::config& settings) {
    std::vector<record_set> all;
    for (const config::slave& slave : settings.slaves) all.push_back(records_for(settings, slave));
    return all;
}

std::vector<channel_plan> plan_channels(const config::config& settings, const std::vector<record_set>& records) {
    const bool per_rule = settings.replicate.consistency == config::consistency_mode::rule;
    std::vector<channel_plan> all(per_rule ? settings.rules.size() : 1);
    for (std::size_t s = 0; s < settings.slaves.size(); ++s) {
        const config::slave& slave = settings.slaves[s];
        const auto& wanted = records[s].wanted();
        for (std::size_t i = 0; i < wanted.size(); ++i)
            all[per_rule ? slave.rules[i] : 0].ends.push_back({&slave, &records[s], &wanted[i]});
    }
    for (std::size_t i = 0; per_rule && i < all.size(); ++i) all[i].rule = settings.rules[i].name;
    std::erase_if(all, [](const channel_plan& plan) { return plan.ends.empty(); });  // of a rule no slave uses
    return all;
}

/// "Known up to" and "connected" of all feeds.
master_status least(const std::vector<std::unique_ptr<feed>>& sources) {
    master_status out = sources.front()->current();
    for (const auto& source : sources) {
        master_status one = source->current();
        const auto known = std::min(out.known, one.known);
        if (out.connected && !one.connected) out = std::move(one);
        out.known = known;
    }
    return out;
}

}  // namespace

struct replicator::impl {
    impl(const config::config& settings, environment with, const job& what);

    [[nodiscard]] etcd::cluster_options options_for(const config::config& settings, const config::cluster& of) const;
    void add_feed(const config::config& settings, const channel_plan& plan, std::size_t feeds);
    void add_link(const config::config& settings, const channel_plan& plan, const channel_plan::end& to);
    [[nodiscard]] bool txn_in_flight() const;

    environment env;
    job todo;
    aio::task_group tasks;
    context shared;
    permits places;
    etcd::cluster_options to_master;
    std::map<std::string, etcd::cluster_options> to_slaves;  ///< by name
    std::vector<record_set> records;                         ///< one a slave
    std::vector<std::unique_ptr<etcd::cluster>> masters;  ///< one a feed: what one finds unfit says nothing to another
    std::vector<std::unique_ptr<feed>> sources;
    std::vector<std::unique_ptr<link>> links;
};

replicator::impl::impl(const config::config& settings, environment with, const job& what)
    : env(std::move(with)), todo(what),
      tasks(env.executor, [this](const std::string& task,
                                 const std::exception_ptr& error) { env.on_bug(task + ": " + aio::describe(error)); }),
      shared{env.clock,
             env.random,
             env.log,
             tasks,
             settings.replicate.probe_interval,
             fmt::format("{:016x}", env.random.next()),
             todo.once},
      places(settings.replicate.full_sync_parallel), to_master(options_for(settings, settings.master)),
      records(wanted_records(settings)) {
    for (const config::slave& slave : settings.slaves) to_slaves.emplace(slave.name, options_for(settings, slave));
    const std::vector<channel_plan> plans = plan_channels(settings, records);
    for (const channel_plan& plan : plans) add_feed(settings, plan, plans.size());
    const auto place_of = [&settings](const std::unique_ptr<link>& of) {
        return std::ranges::find(settings.slaves, of->current().slave, &config::slave::name);
    };
    std::ranges::stable_sort(links, {}, place_of);  // the links of a slave stand together
}

etcd::cluster_options replicator::impl::options_for(const config::config& settings, const config::cluster& of) const {
    return cluster_options_for(of, settings.replicate, env.clock, env.executor, env.log);
}

void replicator::impl::add_feed(const config::config& settings, const channel_plan& plan, std::size_t feeds) {
    masters.push_back(std::make_unique<etcd::cluster>(env.dialer, env.clock, tasks, to_master));
    sources.push_back(std::make_unique<feed>(shared, *masters.back(), plan.cover(), plan.selector(),
                                             log_bytes(settings.replicate, feeds), urls(settings.master), plan.rule));
    for (const channel_plan::end& to : plan.ends) add_link(settings, plan, to);
}

void replicator::impl::add_link(const config::config& settings, const channel_plan& plan, const channel_plan::end& to) {
    const config::slave& slave = *to.slave;
    link_settings own;
    own.slave = slave.name;
    own.rule = plan.rule;
    own.instance = settings.instance;
    own.checkpoint_key = to.record->key;
    own.records = to.records;
    own.endpoints = urls(slave);
    own.page_bytes = page_bytes(settings.replicate);
    own.limits.max_ops = settings.replicate.txn_max_ops;
    own.limits.max_bytes = settings.replicate.txn_max_bytes.value;
    own.guards.safety = slave.guards;
    own.guards.approved = todo.approve;
    own.guards.claims_all = todo.approve;
    own.once = todo.once;
    etcd::cluster place(env.dialer, env.clock, tasks, to_slaves.at(slave.name));
    etcd::cluster own_master(env.dialer, env.clock, tasks, to_master);
    links.push_back(std::make_unique<link>(shared, std::move(own), to.record->keys, std::move(place),
                                           std::move(own_master), *sources.back(), places));
}

bool replicator::impl::txn_in_flight() const {
    return std::any_of(links.begin(), links.end(), [](const std::unique_ptr<link>& l) { return l->txn_in_flight(); });
}

replicator::replicator(const config::config& settings, environment with, const job& what)
    : impl_(std::make_unique<impl>(settings, std::move(with), what)) {}

replicator::~replicator() = default;

void replicator::start() {
    for (const auto& source : impl_->sources) impl_->tasks.spawn("feed", source->run());
    for (const auto& link : impl_->links) impl_->tasks.spawn("link " + link->current().name, link->run());
}

aio::awaitable<> replicator::stop(aio::clock::duration patience) {
    constexpr std::chrono::milliseconds look_every{5};
    for (const auto& link : impl_->links) link->stop();
    aio::clock& clock = impl_->env.clock;
    const auto until = clock.now() + patience;
    while (impl_->txn_in_flight() && clock.now() < until) co_await aio::sleep(clock, look_every);
    impl_->tasks.cancel();
    co_await impl_->tasks.join();
}

status replicator::current() const {
    status out;
    out.master = least(impl_->sources);
    out.master_serves = std::ranges::any_of(impl_->sources, [](const auto& source) { return source->connected(); });
    for (const auto& link : impl_->links) {
        out.links.push_back(link->current());
        out.links.back().known = link->source().recent().position();
    }
    return out;
}

bool replicator::finished() const {
    return std::all_of(impl_->links.begin(), impl_->links.end(),
                       [](const std::unique_ptr<link>& l) { return l->current().finished; });
}

}  // namespace etcdsync::replication
