// SPDX-License-Identifier: Apache-2.0
#include "app/commands/inspector.hpp"

#include "replication/compare/page_reader.hpp"
#include "replication/record/record_set.hpp"
#include "replication/setup/clusters.hpp"

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

replication::inspection_settings settings_for(const config::config& settings, const config::slave& slave,
                                              const inspector::options& how) {
    replication::inspection_settings out;
    out.page_bytes = replication::page_bytes(settings.replicate);
    out.safety = slave.guards;
    out.approve = how.approve;
    out.adopt = how.foreign == replication::adoption::all;
    out.at_present = how.at_present;
    out.max_behind = how.max_behind;
    return out;
}

}  // namespace

/// One part of a slave.
struct inspector::job {
    part of;
    const replication::wanted_record* record;
    const etcd::cluster_options* to_slave;
    replication::inspection_settings how;
};

bool fails_for_all_rules(const etcd::error& why) {
    const outcome how = outcome_of(why.cls);
    return how == outcome::unreachable || how == outcome::interrupted ||
           (how == outcome::denied && !etcd::is_permission_denied(why));
}

etcd::cluster_options inspector::options_for(const config::cluster& of) {
    return replication::cluster_options_for(of, settings_.replicate, env_.clock, env_.executor, env_.files, env_.log);
}

aio::awaitable<> inspector::inspect(const config::slave& slave, const std::set<std::string>& without,
                                    const listener& results) {
    const replication::record_set records = replication::records_for(settings_, slave);
    const etcd::cluster_options to_slave = options_for(slave);
    std::optional<replication::inspection_report::failure> of_all;
    rate_ = {};
    for (std::size_t i = 0; i < records.wanted().size(); ++i) {
        part of{slave.name, records.is_per_rule() ? settings_.rules[slave.rules[i]].name : ""};
        if (without.contains(of.rule)) continue;
        job one{of, &records.wanted()[i], &to_slave, settings_for(settings_, slave, options_)};
        one.how.checkpoint = one.record->at;
        one.how.one_rule = records.is_per_rule();
        replication::inspection_report report;
        report.failed = of_all;
        if (!of_all) report = co_await inspect_one(one, results);
        if (report.failed && fails_for_all_rules(report.failed->why)) of_all = report.failed;
        if (!results.done(of, report)) co_return;
    }
}

aio::awaitable<replication::inspection_report> inspector::inspect_one(job what, const listener& results) {
    std::optional<replication::inspection_report> held;
    if (options_.foreign == replication::adoption::if_held) {
        // Only the end of a comparison shows whether the slave is held. The second one says what happens to each key.
        const replication::inspection::listener silent = [](const replication::difference&) { return true; };
        auto first = co_await compare(what, silent);
        if (first.failed) co_return first;
        what.how.adopt = first.approved;
        if (first.approved) held = std::move(first);
    }
    const replication::inspection::listener found = [&results, &what](const replication::difference& d) {
        return results.found(what.of, d);
    };
    auto report = co_await compare(what, found);
    if (held) report.guard_violation = held->guard_violation;  // the one that a sync meets, without the foreign keys
    if (held) report.approved = true;
    co_return report;
}

aio::awaitable<replication::inspection_report> inspector::compare(const job& what,
                                                                  replication::inspection::listener found) {
    aio::task_group tasks(env_.executor, [this](const std::string& task, const std::exception_ptr& error) {
        env_.on_bug(task + ": " + aio::describe(error));
    });
    base::random_source random = env_.random.stream("inspect");
    const replication::context with{env_.clock, random, env_.log,    tasks, settings_.replicate.probe_interval,
                                    "",         true,   env_.program};
    etcd::cluster to_slave(env_.dialer, env_.clock, tasks, *what.to_slave);
    etcd::cluster to_master(env_.dialer, env_.clock, tasks, to_master_);
    replication::inspection one(with, what.record->keys, std::move(to_slave), std::move(to_master), what.how,
                                std::move(found));
    name_ = what.of.name();
    current_ = &one;
    std::optional<replication::inspection_report> report;
    tasks.spawn("inspect " + name_, inspect_into(one, report, env_.signals.changed()));
    while (!report && !env_.signals.stop_requested()) co_await env_.signals.changed().wait();
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
    out.rate = rate_.update(env_.clock.now(), at.done);
    return {out};
}

}  // namespace etcdsync::app
