// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/inspection.hpp"

#include "replication/compare/page_reader.hpp"
#include "replication/mapping/explain_read.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/record/proof.hpp"
#include "replication/record/start_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::chrono::milliseconds first_pause{250};

net::channel_options bulk_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 4U << 20;
    return options;
}

/// A later look may find what this one did not.
bool may_pass(etcd::error_class cls) {
    switch (cls) {
        case etcd::error_class::retry:
        case etcd::error_class::ambiguous:
        case etcd::error_class::compacted:
        case etcd::error_class::future_revision: return true;
        default: return false;
    }
}

}  // namespace

std::string why_not_at_record(const std::optional<base::result<checkpoint>>& stored,
                              const etcd::response_header& master, std::string_view instance) {
    if (!stored) return "there is no record of a sync on the slave";
    if (!*stored) return "the record on the slave is not readable: " + stored->error().text;
    const checkpoint& record = **stored;
    if (record.instance != instance) return fmt::format("the record is of the instance \"{}\"", record.instance);
    if (record.cluster_id != master.cluster_id)
        return fmt::format("the record is of another master, cluster {:x}", record.cluster_id);
    if (record.pass != sync_pass::none || record.rev <= 0) return "a full sync of the slave is not complete";
    if (record.split) return fmt::format("what follows on revision {} is being applied in parts", record.rev);
    if (record.rev > master.store_revision) {
        return fmt::format("the record is of revision {}, which the master does not have: it was wiped or restored",
                           record.rev);
    }
    return {};
}

inspection::inspection(const context& with, mapping keys, etcd::cluster slave, etcd::cluster master,
                       inspection_settings settings, listener report)
    : context_(&with), keys_(std::move(keys)), slave_(std::move(slave)), master_(std::move(master)),
      settings_(std::move(settings)), listener_(std::move(report)), pauses_(first_pause, with.probe_interval),
      found_(keys_.rules()) {
    progress_.pass = "compare";
    etcd::range_query record;
    record.key = settings_.checkpoint_key;
    slave_.set_health_probe(std::move(record));
    master_.set_health_probe(health_probe_query(keys_.cover()));
}

aio::awaitable<inspection_report> inspection::run() {
    for (;;) {
        auto met = co_await attempt();
        if (!met || unwanted_) break;
        if (!worth_another_try(*met)) {
            if (met->why.cls == etcd::error_class::compacted)
                met->why.text += ": it compacts its history faster than it can be compared";
            if (met->of_master) met->why.text = explain_read(met->why, keys_.cover(), settings_.one_rule);
            report_.failed = std::move(*met);
            break;
        }
        context_->log.debug("comparing goes on at new revisions", {{"cause", met->why.text}});
        co_await aio::sleep(context_->clock, pauses_.next(context_->random));
    }
    co_return report_;
}

bool inspection::worth_another_try(const failure& met) {
    constexpr unsigned most_tries = 5;
    if (met.of_master && met.why.cls == etcd::error_class::compacted)
        compacted_ = std::max(compacted_, report_.master_revision);
    if (frontier_ != std::exchange(last_frontier_, frontier_)) {
        failures_ = 0;
        pauses_.reset();
    }
    return begun_ && may_pass(met.why.cls) && ++failures_ < most_tries;
}

aio::awaitable<inspection::outcome> inspection::attempt() {
    const net::channel_options options = bulk_connection();
    const auto to_master = co_await master_.connect(options);
    if (!to_master) co_return failure(true, to_master.error());
    const auto to_slave = co_await slave_.connect(options);
    if (!to_slave) co_return failure(false, to_slave.error());
    etcd::kv master(*to_master, context_->clock, master_.request_timeout());
    etcd::kv slave(*to_slave, context_->clock, slave_.request_timeout());
    auto met = co_await pin(slave, master);
    if (!met) met = co_await count(master);
    for (const segment& part : keys_.segments()) {
        if (met || unwanted_) break;
        if (!part.target.end.empty() && part.target.end <= frontier_) continue;
        met = co_await compare_segment(part, slave, master);
    }
    if (!met && !unwanted_ && settings_.at_present && !settings_.approve) met = co_await predict_guard(master);
    if (met) (met->of_master ? master_ : slave_).avoid((met->of_master ? master : slave).peer());
    slave.close();
    master.close();
    co_return met;
}

aio::awaitable<inspection::outcome> inspection::pin(etcd::kv& slave, etcd::kv& master) {
    // The slave first: its record then speaks of a revision the master has.
    etcd::range_query of_record;
    of_record.key = settings_.checkpoint_key;
    const auto stored = co_await slave.range(of_record);
    if (!stored) co_return failure(false, stored.error());
    const etcd::range_query present = probe_query(keys_.cover());
    const auto now = co_await master.range(present);
    if (!now) co_return failure(true, now.error());

    record_.reset();
    if (!stored->kvs.empty()) record_ = parse_checkpoint(stored->kvs.front().value);
    const bool ours = record_ && *record_ && (*record_)->instance == settings_.instance;
    spans_ = claim_spans(keys_, ours ? (*record_)->spans : std::vector<span>(), stored->header.store_revision);
    if (settings_.approve) {
        for (span& s : spans_) s.since = 0;
    }
    report_.slave_revision = stored->header.store_revision;
    begun_ = true;
    co_return co_await pin_master(master, now->header);
}

aio::awaitable<inspection::outcome> inspection::pin_master(etcd::kv& master, const etcd::response_header& now) {
    report_.master_revision = now.store_revision;
    if (settings_.at_present) co_return std::nullopt;
    report_.why_present = why_not_at_record(record_, now, settings_.instance);
    report_.at_record = report_.why_present.empty();
    if (!report_.at_record) co_return std::nullopt;
    const checkpoint& record = **record_;
    report_.master_revision = record.rev;
    if (record.rev > compacted_) co_return std::nullopt;
    // That revision cannot be read any more. Where nothing of ours changed since, a newer one is the same.
    const auto same = co_await find_unchanged(master, keys_, record);
    if (!same) co_return failure(true, same.error());
    report_.at_record = same->has_value();
    report_.master_revision = same->value_or(now.store_revision);
    if (!*same) report_.why_present = fmt::format("the master compacted revision {} of the record", record.rev);
    co_return std::nullopt;
}

aio::awaitable<inspection::outcome> inspection::count(etcd::kv& master) {
    const auto total = co_await count_keys(master, keys_, report_.master_revision);
    if (!total) co_return failure(true, total.error());
    const auto keys = static_cast<std::uint64_t>(std::max<std::int64_t>(total->value_or(0), 0));
    progress_.total = std::max(progress_.done, keys);
    co_return std::nullopt;
}

aio::awaitable<inspection::outcome> inspection::predict_guard(etcd::kv& master) {
    guard_policy guards;
    guards.safety = settings_.safety;
    bool proven = false;
    if (record_ && *record_ && (*record_)->instance == settings_.instance && (*record_)->rev > 0) {
        const auto proved =
            co_await prove_history(master.channel(), *context_, master_.request_timeout(), keys_, **record_);
        if (!proved) co_return failure(true, proved.error());
        proven = proved->found == proof::verdict::same;
        guards.approved = proved->found == proof::verdict::other;  // by on_master_change = "resync"
        const bool holds = settings_.safety.on_master_change == config::master_change::hold;
        if (guards.approved && holds) report_.guard_violation = proved->reason;
    }
    if (report_.guard_violation.empty()) report_.guard_violation = guard_violation(keys_, found_, guards, proven);
    co_return std::nullopt;
}

aio::awaitable<inspection::outcome> inspection::compare_segment(const segment& where, etcd::kv& slave,
                                                                etcd::kv& master) {
    using found = comparison::outcome;
    comparison both(keys_, where, std::max(frontier_, where.target.begin), false);
    page_reader::options how;
    how.page_bytes = settings_.page_bytes;
    how.at = report_.master_revision;
    page_reader master_pages(master, context_->tasks, where.source, how);
    how.at = report_.slave_revision;
    page_reader slave_pages(slave, context_->tasks, where.target, how);
    std::uint64_t counted = 0;
    while (!unwanted_) {
        const comparison::step step = both.next();
        frontier_ = std::max(frontier_, both.frontier());
        report_.compared += both.compared() - std::exchange(counted, both.compared());
        progress_.done = report_.compared;
        if (step.what == found::need_master) {
            auto page = co_await master_pages.next(both.master_from());
            if (!page) co_return failure(true, page.error());
            both.add_master(std::move(*page));
        } else if (step.what == found::need_slave) {
            auto page = co_await slave_pages.next(both.slave_from());
            if (!page) co_return failure(false, page.error());
            both.add_slave(std::move(*page));
        } else if (step.what == found::done) {
            if (!where.target.end.empty()) frontier_ = where.target.end;
            break;
        } else {
            take(step);
        }
    }
    for (std::size_t i = 0; i < both.on_slave().size(); ++i) found_.rules[i].on_slave += both.on_slave()[i];
    co_return std::nullopt;
}

void inspection::take(const comparison::step& found) {
    difference one;
    one.what = note(found);
    one.key = found.key;
    one.master_bytes = found.value.size();
    one.slave_bytes = found.old_size;
    unwanted_ = !listener_(one);
}

difference::kind inspection::note(const comparison::step& found) {
    if (found.what == comparison::outcome::missing) {
        ++report_.missing;
        return difference::kind::missing;
    }
    if (found.what == comparison::outcome::different) {
        ++report_.different;
        found_.note_overwrite(found.rule, found.key);
        return difference::kind::different;
    }
    const disposition what = disposition_of(keys_, found.rule, settings_.safety, spans_, found.key, found.mod_revision);
    found_.note_slave_only(found.rule, what, found.key);
    switch (what) {
        case disposition::foreign: ++report_.foreign; return difference::kind::foreign;
        case disposition::kept: ++report_.kept; return difference::kind::kept;
        case disposition::remove: break;
    }
    ++report_.extra;
    return difference::kind::extra;
}

}  // namespace etcdsync::replication
