// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/inspection.hpp"

#include "replication/compare/lag.hpp"
#include "replication/compare/page_reader.hpp"
#include "replication/mapping/explain_read.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/record/current_state.hpp"
#include "replication/record/proof.hpp"
#include "replication/record/start_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::chrono::milliseconds first_pause{250};

/// True if another attempt may succeed.
bool may_recover(etcd::error_class cls) {
    switch (cls) {
        case etcd::error_class::retry:
        case etcd::error_class::ambiguous:
        case etcd::error_class::compacted:
        case etcd::error_class::future_revision: return true;
        default: return false;
    }
}

}  // namespace

std::string why_not_at_checkpoint(const std::optional<base::result<checkpoint>>& stored,
                                  const etcd::response_header& master) {
    if (!stored) return "there is no checkpoint on the slave";
    if (!*stored) return "the checkpoint on the slave is not readable: " + stored->error().text;
    const checkpoint& record = **stored;
    if (record.cluster_id != master.cluster_id)
        return fmt::format("the checkpoint belongs to another master, cluster {:x}", record.cluster_id);
    if (record.other) return "the master has had another history than the checkpoint";
    if (record.pass != sync_pass::none || record.rev <= 0) return "a full sync of the slave is not complete";
    if (record.split) return fmt::format("the revision after {} is being applied in parts", record.rev);
    if (record.rev > master.store_revision) {
        return fmt::format("revision {} of the checkpoint does not exist on the master: it was wiped or restored",
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
    record.key = settings_.checkpoint.position;
    slave_.set_health_probe(std::move(record));
    master_.set_health_probe(health_probe_query(keys_.cover()));
}

aio::awaitable<inspection_report> inspection::run() {
    for (;;) {
        auto met = co_await attempt();
        if (!met || stopped_) break;
        if (!should_retry(*met)) {
            if (met->why.cls == etcd::error_class::compacted)
                met->why.text += ": the master compacts its history faster than the comparison reads it";
            if (met->of_master) met->why.text = explain_read(met->why, keys_.cover(), settings_.one_rule);
            report_.failed = std::move(*met);
            break;
        }
        context_->log.debug("comparison continues at new revisions", {{"cause", met->why.text}});
        co_await aio::sleep(context_->clock, pauses_.next(context_->random));
    }
    co_return report_;
}

bool inspection::should_retry(const failure& met) {
    constexpr unsigned max_attempts = 5;
    if (met.of_master && met.why.cls == etcd::error_class::compacted)
        compacted_ = std::max(compacted_, report_.compared_revision);
    if (frontier_ != std::exchange(last_frontier_, frontier_)) {
        failures_ = 0;
        pauses_.reset();
    }
    return pinned_once_ && may_recover(met.why.cls) && ++failures_ < max_attempts;
}

aio::awaitable<inspection::attempt_result> inspection::attempt() {
    const net::channel_options options = page_connection();
    const auto to_master = co_await master_.connect(options);
    if (!to_master) co_return failure(true, to_master.error());
    const auto to_slave = co_await slave_.connect(options);
    if (!to_slave) co_return failure(false, to_slave.error());
    etcd::kv master(*to_master, context_->clock, master_.request_timeout());
    etcd::kv slave(*to_slave, context_->clock, slave_.request_timeout());
    auto met = co_await pin(slave, master);
    if (!met) met = co_await count(master);
    const segment_pages::side of_master{master, page_options(report_.compared_revision)};
    const segment_pages::side of_slave{slave, page_options(report_.slave_revision)};
    segment_pages pages(of_master, of_slave, context_->tasks, keys_.segments(), frontier_);
    while (!met && !stopped_) {
        segment_pages::part* const part = pages.next();
        if (part == nullptr) break;
        met = co_await compare_segment(*part);
    }
    if (!met && !stopped_ && settings_.at_present) met = co_await predict_guard(master);
    if (met) (met->of_master ? master_ : slave_).avoid((met->of_master ? master : slave).peer());
    slave.close();
    master.close();
    co_return met;
}

aio::awaitable<inspection::attempt_result> inspection::pin(etcd::kv& slave, etcd::kv& master) {
    // Read the slave first: its checkpoint then has a revision that the master has.
    const auto stored = co_await read_checkpoint(slave, settings_.checkpoint);
    if (!stored) co_return failure(false, stored.error());
    const etcd::range_query present = probe_query(keys_.cover());
    const auto now = co_await master.range(present);
    if (!now) co_return failure(true, now.error());

    record_ = stored->parsed();
    const bool usable = record_ && *record_;
    spans_ = spans_for(keys_, usable ? (*record_)->spans : std::vector<span>(), stored->header.store_revision);
    report_.slave_revision = stored->header.store_revision;
    pinned_once_ = true;
    co_return co_await pin_master(master, now->header);
}

aio::awaitable<inspection::attempt_result> inspection::pin_master(etcd::kv& master, const etcd::response_header& now) {
    report_.master_revision = now.store_revision;
    report_.compared_revision = now.store_revision;
    report_.behind.reset();
    if (settings_.at_present) co_return std::nullopt;
    report_.current_cause = why_not_at_checkpoint(record_, now);
    report_.at_checkpoint = report_.current_cause.empty();
    if (!report_.at_checkpoint) co_return std::nullopt;
    auto met = co_await pin_checkpoint(master, **record_);
    if (met || !report_.at_checkpoint) co_return met;
    report_.behind = std::max<std::int64_t>(report_.master_revision - report_.compared_revision, 0);
    report_.too_far_behind = settings_.max_behind && *report_.behind > *settings_.max_behind;
    co_return std::nullopt;
}

aio::awaitable<inspection::attempt_result> inspection::pin_checkpoint(etcd::kv& master, const checkpoint& record) {
    // The checkpoint of a quiet slave is refreshed rarely. It is not behind if none of its keys changed.
    const bool current = co_await is_current(master.channel(), *context_, master_.request_timeout(), keys_, record,
                                             report_.master_revision);
    if (current) co_return std::nullopt;
    report_.compared_revision = record.rev;
    if (record.rev > compacted_) co_return std::nullopt;
    // That revision cannot be read any more. If no selected key changed since, a newer revision is
    // the same.
    const auto same = co_await find_unchanged(master, keys_, record);
    if (!same) co_return failure(true, same.error());
    report_.at_checkpoint = same->has_value();
    report_.compared_revision = same->value_or(report_.master_revision);
    if (!*same) report_.current_cause = fmt::format("the master compacted revision {} of the checkpoint", record.rev);
    co_return std::nullopt;
}

aio::awaitable<inspection::attempt_result> inspection::count(etcd::kv& master) {
    const auto total = co_await count_keys(master, keys_, report_.compared_revision);
    if (!total) co_return failure(true, total.error());
    const auto keys = static_cast<std::uint64_t>(std::max<std::int64_t>(total->value_or(0), 0));
    progress_.total = std::max(progress_.done, keys);
    co_return std::nullopt;
}

aio::awaitable<inspection::attempt_result> inspection::predict_guard(etcd::kv& master) {
    guard_policy guards;
    guards.safety = settings_.safety;
    evidence of_master = evidence::unproven;
    if (record_ && *record_ && (*record_)->rev > 0) {
        const proof_request ask{master.channel(), *context_, master_.request_timeout(), keys_, **record_};
        const auto proved = co_await prove_history(ask);
        if (!proved) co_return failure(true, proved.error());
        if (proved->continuous && (*record_)->pass == sync_pass::none) of_master = evidence::continuous;
        if (proved->found == proof::verdict::same) of_master = evidence::proven;
        const bool equaled = (*record_)->pass == sync_pass::none && !(*record_)->split;
        if (equaled && (*record_)->rules == keys_.digest()) found_.expected = (*record_)->count;
        guards.approved = proved->is_contradiction();  // as with on_master_change = "resync"
        const bool holds = settings_.safety.on_master_change == config::master_change::hold;
        if (guards.approved && holds) report_.guard_violation = proved->reason;
    }
    if (report_.guard_violation.empty()) report_.guard_violation = guard_violation(keys_, found_, guards, of_master);
    report_.approved = settings_.approve && !report_.guard_violation.empty();
    co_return std::nullopt;
}

page_reader::options inspection::page_options(revision at) const {
    page_reader::options how;
    how.page_bytes = settings_.page_bytes;
    how.at = at;
    return how;
}

aio::awaitable<inspection::attempt_result> inspection::compare_segment(segment_pages::part& pages) {
    using kind = comparison::step_kind;
    comparison both(keys_, pages.where, pages.begin, false);
    std::uint64_t counted = 0;
    while (!stopped_) {
        const comparison::step step = both.next();
        frontier_ = std::max(frontier_, both.frontier());
        report_.compared += both.compared() - std::exchange(counted, both.compared());
        progress_.done = report_.compared;
        if (step.what == kind::need_master) {
            auto page = co_await pages.master.next(both.master_from());
            if (!page) co_return failure(true, page.error());
            both.add_master(std::move(*page));
        } else if (step.what == kind::need_slave) {
            auto page = co_await pages.slave.next(both.slave_from());
            if (!page) co_return failure(false, page.error());
            both.add_slave(std::move(*page));
        } else if (step.what == kind::done) {
            if (!pages.where.target.end.empty()) frontier_ = pages.where.target.end;
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
    stopped_ = !listener_(one);
}

difference::kind inspection::note(const comparison::step& found) {
    if (found.what == comparison::step_kind::missing) {
        ++report_.missing;
        return difference::kind::missing;
    }
    if (found.what == comparison::step_kind::different) {
        ++report_.different;
        const revision known = record_ && *record_ ? (*record_)->rev : 0;
        found_.note_overwrite(found.rule, found.key, known > 0 && found.mod_revision > known);
        return difference::kind::different;
    }
    disposition what = disposition_of(keys_, found.rule, settings_.safety, spans_, found.key, found.mod_revision);
    const bool adopted = what == disposition::foreign && settings_.adopt;
    if (adopted) what = disposition::remove;
    found_.note_slave_only(found.rule, what, found.key);
    switch (what) {
        case disposition::foreign: ++report_.foreign; return difference::kind::foreign;
        case disposition::kept: ++report_.kept; return difference::kind::kept;
        case disposition::remove: break;
    }
    ++report_.extra;
    if (!adopted) return difference::kind::extra;
    ++report_.adopted;
    return difference::kind::adopted;
}

}  // namespace etcdsync::replication
