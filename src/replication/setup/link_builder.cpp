// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/link_builder.hpp"

#include "replication/setup/clusters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {

link_builder::link_builder(const environment& env, const job& what) : env_(env), job_(what) {
    common_.writer = fmt::format("{:08x}", static_cast<std::uint32_t>(env_.random.stream("writer").next()));
    common_.once = what.once;
}

void link_builder::use(std::shared_ptr<const config::config> settings, bool rebuild_all) {
    const bool first = settings_ == nullptr;
    settings_ = std::move(settings);
    permits_.resize(settings_->replicate.full_sync_parallel);
    if (!first && !rebuild_all) return;
    common_.probe_interval = settings_->replicate.probe_interval;
    to_master_ = options_for(settings_->master);
}

void link_builder::keep_slaves(const std::set<std::string>& kept) {
    std::erase_if(to_slaves_, [&](const auto& one) { return !kept.contains(one.first); });
}

std::unique_ptr<running_feed> link_builder::build_feed(const feed_plan& plan, std::size_t log_bytes) const {
    return std::make_unique<running_feed>(env_, common_, to_master_, plan, log_bytes, urls(settings_->master));
}

std::unique_ptr<running_leader> link_builder::build_leader(const link_plan& plan) {
    if (common_.once) return nullptr;
    const config::slave& slave = *std::ranges::find(settings_->slaves, plan.slave, &config::slave::name);
    return std::make_unique<running_leader>(env_, common_, options_of_slave(slave), plan_leader(*settings_, plan));
}

std::unique_ptr<running_link> link_builder::build_link(const link_plan& plan, const std::string& rule, feed& source,
                                                       leader* led_by) {
    const config::slave& slave = *std::ranges::find(settings_->slaves, plan.slave, &config::slave::name);
    auto link = std::make_unique<running_link>(env_, common_, to_master_, options_of_slave(slave),
                                               plan_settings(*settings_, job_, plan, rule, source.selected_since()),
                                               plan.wanted().keys, source, permits_, led_by);
    if (slave.paused && !common_.once) link->work.pause();  // a one-shot job was asked for this slave
    return link;
}

etcd::cluster_options link_builder::options_for(const config::cluster& of) const {
    return cluster_options_for(of, settings_->replicate, env_.clock, env_.executor, env_.files, env_.log);
}

const etcd::cluster_options& link_builder::options_of_slave(const config::slave& slave) {
    const auto found = to_slaves_.find(slave.name);
    if (found != to_slaves_.end()) return found->second;
    return to_slaves_.emplace(slave.name, options_for(slave)).first->second;
}

}  // namespace etcdsync::replication
