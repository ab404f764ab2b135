// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/running.hpp"

#include <utility>

namespace etcdsync::replication {
namespace {

std::string feed_name(const std::string& rule) { return rule.empty() ? "feed" : "feed " + rule; }

}  // namespace

own_context::own_context(const environment& env, const common_settings& common, const std::string& name)
    : tasks(env.executor,
            [&env, name](const std::string& task, const std::exception_ptr& error) {
                env.on_bug(name + ": " + task + ": " + aio::describe(error));
            }),
      random(env.random.stream(name)), with{env.clock,     random,      env.log,    tasks, common.probe_interval,
                                            common.writer, common.once, env.program} {}

running_feed::running_feed(const environment& env, const common_settings& common,
                           const etcd::cluster_options& to_master, const feed_plan& plan, std::size_t log_bytes,
                           std::string endpoints)
    : own(env, common, feed_name(plan.rule)), rule(plan.rule), master(env.dialer, env.clock, own.tasks, to_master),
      source(own.with, master, plan.cover(), plan.selector(), log_bytes, std::move(endpoints), plan.rule) {}

running_leader::running_leader(const environment& env, const common_settings& common,
                               const etcd::cluster_options& to_slave, leader_settings settings)
    : own(env, common, "leader " + settings.slave), slave(settings.slave),
      work(own.with, std::move(settings), etcd::cluster(env.dialer, env.clock, own.tasks, to_slave), env.processes) {}

running_link::running_link(const environment& env, const common_settings& common, const etcd::cluster_options& master,
                           const etcd::cluster_options& slave, link_settings settings, const mapping& keys,
                           feed& source, work_permits& allowed, leader* led_by)
    : own(env, common, "link " + link_name(settings.slave, settings.rule)),
      work(own.with, std::move(settings), keys, etcd::cluster(env.dialer, env.clock, own.tasks, slave),
           etcd::cluster(env.dialer, env.clock, own.tasks, master), source, allowed, led_by) {}

}  // namespace etcdsync::replication
