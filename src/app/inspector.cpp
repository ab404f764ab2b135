// SPDX-License-Identifier: Apache-2.0
#include "app/inspector.hpp"

#include "replication/clusters.hpp"

#include <utility>

namespace etcdsync::app {
namespace {

aio::awaitable<> inspect_into(replication::inspection& what, std::optional<replication::inspection_report>& to,
                              aio::event& done) {
    to = co_await what.run();
    done.notify();
}

replication::inspection_report not_finished() {
    replication::inspection_report report;
    report.failed.emplace(false, etcd::error(etcd::error_class::cancelled, "interrupted"));
    return report;
}

}  // namespace

replication::inspection_settings inspector::settings_for(const config::slave& slave, const std::string& record) const {
    replication::inspection_settings out;
    out.instance = settings_.instance;
    out.checkpoint_key = record;
    out.page_bytes = replication::page_bytes(settings_.replicate);
    out.safety = slave.guards;
    out.approve = options_.approve;
    out.at_present = options_.at_present;
    return out;
}

aio::awaitable<replication::inspection_report> inspector::inspect(const config::slave& slave,
                                                                  replication::inspection::listener tell) {
    const replication::record_set records = replication::records_for(settings_, slave);
    replication::inspection_report all;
    rate_ = {};
    for (const replication::wanted_record& record : records.wanted()) {
        const auto one = co_await inspect_one(slave, record, tell);
        replication::merge(all, one);
        if (all.failed) break;
    }
    co_return all;
}

aio::awaitable<replication::inspection_report> inspector::inspect_one(const config::slave& slave,
                                                                      const replication::wanted_record& record,
                                                                      replication::inspection::listener tell) {
    const replication::environment env = at_.environment();
    aio::task_group tasks(env.executor, [&env](const std::string& task, const std::exception_ptr& error) {
        env.on_bug(task + ": " + aio::describe(error));
    });
    const replication::context with{env.clock, env.random, env.log, tasks, settings_.replicate.probe_interval,
                                    "",        true};
    const auto cluster_at = [&](const config::cluster& where) {
        return etcd::cluster(
            env.dialer, env.clock, tasks,
            replication::cluster_options_for(where, settings_.replicate, env.clock, env.executor, env.log));
    };
    etcd::cluster to_slave = cluster_at(slave);
    etcd::cluster to_master = cluster_at(settings_.master);
    replication::inspection what(with, record.keys, std::move(to_slave), std::move(to_master),
                                 settings_for(slave, record.key), std::move(tell));
    name_ = slave.name;
    current_ = &what;
    std::optional<replication::inspection_report> report;
    tasks.spawn("inspect " + slave.name, inspect_into(what, report, at_.changed()));
    while (!report && !at_.stop_asked()) co_await at_.changed().wait();
    current_ = nullptr;
    tasks.cancel();
    co_await tasks.join();
    if (!report) co_return not_finished();
    co_return std::move(*report);
}

std::vector<observe::progress> inspector::progress() {
    if (current_ == nullptr) return {};
    const replication::sync_progress& at = current_->progress();
    observe::progress out;
    out.name = name_;
    out.what = "compare";
    out.done = at.done;
    out.total = at.total;
    out.rate = rate_.update(at_.clock().now(), at.done);
    return {out};
}

}  // namespace etcdsync::app
