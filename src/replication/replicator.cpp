// SPDX-License-Identifier: Apache-2.0
#include "replication/replicator.hpp"

#include "replication/link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace etcdsync::replication {

etcd::cluster_options cluster_options_for(const config::cluster& settings, const config::replication& replicate) {
    etcd::cluster_options options;
    options.request_timeout = replicate.request_timeout;
    for (const config::endpoint& from : settings.endpoints)
        options.endpoints.push_back({from.url, from.host, from.port, from.tls});
    return options;
}

namespace {

std::string urls(const config::cluster& settings) {
    std::string out;
    for (const config::endpoint& endpoint : settings.endpoints) out += (out.empty() ? "" : " ") + endpoint.url;
    return out;
}

}  // namespace

mapping mapping_for(const config::config& settings, const config::slave& slave) {
    std::vector<config::rule> rules;
    for (const std::size_t index : slave.rules) rules.push_back(settings.rules[index]);
    return mapping(rules, slave.dest, settings.replicate.checkpoint_prefix);
}

std::size_t page_bytes(const config::replication& replicate) {
    constexpr std::uint64_t pages_held = 4;  // of each side one at hand and one read ahead
    constexpr std::uint64_t least = 64U << 10;
    const std::uint64_t left = replicate.memory_limit.value - replicate.log_limit.value;
    return std::max(least, left / (pages_held * replicate.full_sync_parallel));
}

namespace {

/// The least interval that holds both.
config::key_range hull(const config::key_range& a, const config::key_range& b) {
    const bool open = a.end.empty() || b.end.empty();
    return {std::min(a.begin, b.begin), open ? std::string() : std::max(a.end, b.end)};
}

}  // namespace

struct replicator::impl {
    impl(const config::config& settings, environment with, const job& what);

    void add_link(const config::config& settings, const config::slave& slave);
    [[nodiscard]] bool txn_in_flight() const;

    environment env;
    job todo;
    aio::task_group tasks;
    context shared;
    etcd::cluster master;
    slots places;
    std::vector<mapping> mappings;
    std::unique_ptr<feed> source;
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
      master(env.dialer, env.clock, tasks, cluster_options_for(settings.master, settings.replicate)),
      places(settings.replicate.full_sync_parallel) {
    for (const config::slave& slave : settings.slaves) mappings.push_back(mapping_for(settings, slave));
    config::key_range cover = mappings.front().cover();
    for (const mapping& keys : mappings) cover = hull(cover, keys.cover());
    const auto selects = [this](std::string_view key) {
        return std::any_of(mappings.begin(), mappings.end(),
                           [key](const mapping& keys) { return keys.rule_of(key).has_value(); });
    };
    source = std::make_unique<feed>(shared, master, cover, selects, settings.replicate.log_limit.value,
                                    urls(settings.master));
    for (const config::slave& slave : settings.slaves) add_link(settings, slave);
}

void replicator::impl::add_link(const config::config& settings, const config::slave& slave) {
    link_settings own;
    own.name = slave.name;
    own.instance = settings.instance;
    own.checkpoint_key = checkpoint_key(settings.replicate.checkpoint_prefix, settings.instance);
    own.endpoints = urls(slave);
    own.page_bytes = page_bytes(settings.replicate);
    own.limits.max_ops = settings.replicate.txn_max_ops;
    own.limits.max_bytes = settings.replicate.txn_max_bytes.value;
    own.by.safety = slave.guards;
    own.by.approved = todo.approve;
    own.by.claims_all = todo.approve;
    own.once = todo.once;
    etcd::cluster place(env.dialer, env.clock, tasks, cluster_options_for(slave, settings.replicate));
    etcd::cluster own_master(env.dialer, env.clock, tasks, cluster_options_for(settings.master, settings.replicate));
    links.push_back(std::make_unique<link>(shared, std::move(own), mapping_for(settings, slave), std::move(place),
                                           std::move(own_master), *source, places));
}

bool replicator::impl::txn_in_flight() const {
    return std::any_of(links.begin(), links.end(), [](const std::unique_ptr<link>& l) { return l->txn_in_flight(); });
}

replicator::replicator(const config::config& settings, environment with, const job& what)
    : impl_(std::make_unique<impl>(settings, std::move(with), what)) {}

replicator::~replicator() = default;

void replicator::start() {
    impl_->tasks.spawn("feed", impl_->source->run());
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
    out.master = impl_->source->current();
    for (const auto& link : impl_->links) out.links.push_back(link->current());
    return out;
}

bool replicator::finished() const {
    return std::all_of(impl_->links.begin(), impl_->links.end(),
                       [](const std::unique_ptr<link>& l) { return l->current().finished; });
}

}  // namespace etcdsync::replication
