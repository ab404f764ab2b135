// SPDX-License-Identifier: Apache-2.0
#include "replication/inspection.hpp"

#include "replication/page_reader.hpp"
#include "replication/resume.hpp"

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
                              const etcd::response_header& master, std::string_view instance, revision compacted) {
    if (!stored) return "there is no record of a sync on the slave";
    if (!*stored) return "the record on the slave is not readable: " + stored->error().text;
    const checkpoint& record = **stored;
    if (record.instance != instance) return fmt::format("the record is of the instance \"{}\"", record.instance);
    if (record.cluster_id != master.cluster_id)
        return fmt::format("the record is of another master, cluster {:x}", record.cluster_id);
    if (record.pass != sync_pass::none || record.rev <= 0) return "a full sync of the slave is not complete";
    if (record.rev > master.store_revision) {
        return fmt::format("the record is of revision {}, which the master does not have: it was wiped or restored",
                           record.rev);
    }
    if (record.rev <= compacted) return fmt::format("the master compacted revision {} of the record", record.rev);
    return {};
}

inspection::inspection(const context& with, mapping keys, etcd::cluster slave, etcd::cluster master,
                       inspection_settings settings, listener tell)
    : context_(&with), keys_(std::move(keys)), slave_(std::move(slave)), master_(std::move(master)),
      settings_(std::move(settings)), tell_(std::move(tell)), pauses_(first_pause, with.probe_interval) {
    progress_.pass = "compare";
}

aio::awaitable<inspection_report> inspection::run() {
    for (;;) {
        auto met = co_await attempt();
        if (!met || unwanted_) break;
        if (!worth_another_try(*met)) {
            if (met->why.cls == etcd::error_class::compacted)
                met->why.text += ": it compacts its history faster than it can be compared";
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
    if (!met) met = co_await count_keys(master);
    for (const segment& part : keys_.segments()) {
        if (met || unwanted_) break;
        if (!part.target.end.empty() && part.target.end <= frontier_) continue;
        met = co_await compare_segment(part, slave, master);
    }
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

    std::optional<base::result<checkpoint>> record;
    if (!stored->kvs.empty()) record = parse_checkpoint(stored->kvs.front().value);
    const bool ours = record && *record && (*record)->instance == settings_.instance;
    spans_ = claim_spans(keys_, ours ? (*record)->spans : std::vector<span>(), stored->header.store_revision);
    report_.slave_revision = stored->header.store_revision;
    report_.master_revision = now->header.store_revision;
    begun_ = true;
    if (settings_.at_present) co_return std::nullopt;
    report_.why_present = why_not_at_record(record, now->header, settings_.instance, compacted_);
    report_.at_record = report_.why_present.empty();
    if (report_.at_record) report_.master_revision = (*record)->rev;
    co_return std::nullopt;
}

aio::awaitable<inspection::outcome> inspection::count_keys(etcd::kv& master) {
    constexpr std::size_t too_many_to_ask = 64;
    if (progress_.total > 0 || keys_.segments().size() > too_many_to_ask) co_return std::nullopt;
    std::uint64_t total = 0;
    for (const segment& part : keys_.segments()) {
        const wire_range wire(part.source);
        etcd::range_query query;
        query.key = wire.key;
        query.range_end = wire.range_end;
        query.count_only = true;
        query.at = report_.master_revision;
        const auto page = co_await master.range(query);
        if (!page) co_return failure(true, page.error());
        total += static_cast<std::uint64_t>(std::max<std::int64_t>(page->count, 0));
    }
    progress_.total = total;
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
            take(where, step);
        }
    }
    co_return std::nullopt;
}

void inspection::take(const segment& where, const comparison::step& found) {
    difference one;
    one.what = kind_of(where, found);
    one.key = found.key;
    one.master_bytes = found.value.size();
    one.slave_bytes = found.slave_bytes;
    switch (one.what) {
        case difference::kind::missing: ++report_.missing; break;
        case difference::kind::different: ++report_.different; break;
        case difference::kind::extra: ++report_.extra; break;
        case difference::kind::kept: ++report_.kept; break;
    }
    unwanted_ = !tell_(one);
}

difference::kind inspection::kind_of(const segment& where, const comparison::step& found) const {
    if (found.what == comparison::outcome::missing) return difference::kind::missing;
    if (found.what == comparison::outcome::different) return difference::kind::different;
    std::string key;
    const bool mapped = keys_.to_master(where, found.key, key);
    const auto rule = mapped ? keys_.rule_of(key) : std::nullopt;
    if (!rule || !settings_.replays_deletes[*rule]) return difference::kind::kept;
    switch (settings_.prune) {
        case config::prune_mode::off: return difference::kind::kept;
        case config::prune_mode::always: return difference::kind::extra;
        case config::prune_mode::guarded: break;
    }
    const bool foreign = !settings_.approve && is_foreign(spans_, found.key, found.mod_revision);
    return foreign ? difference::kind::kept : difference::kind::extra;
}

}  // namespace etcdsync::replication
