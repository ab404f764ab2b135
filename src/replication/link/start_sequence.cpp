// SPDX-License-Identifier: Apache-2.0
#include "replication/link/start_sequence.hpp"

#include "base/escape.hpp"
#include "replication/link/same_master.hpp"
#include "replication/link/session_history.hpp"
#include "replication/link/slave_session.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/record/migration.hpp"

#include <fmt/format.h>

#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::string_view slave_is_master =
    "the endpoints of this slave lead to the master itself: correct them. Only the checkpoint was written";

step_result held(std::string why) {
    return step_result(end_reason::held, etcd::error(etcd::error_class::denied, std::move(why)));
}

step_result slave_failed(const etcd::error& why) { return step_result(end_reason::slave_failed, why); }

}  // namespace

start_sequence::start_sequence(const link_parts& parts, const link_settings& settings)
    : parts_(parts), settings_(settings), rivals_(parts.with.writer), master_(parts, settings) {}

const checkpoint* start_sequence::stored() const {
    return found_.record && *found_.record ? &**found_.record : nullptr;
}

aio::clock::duration start_sequence::patience() const {
    // Beside the leader only a one-shot command writes, and it clears its name at its end.
    constexpr std::chrono::minutes of_leader{1};
    return parts_.control.has_leader_key() ? of_leader : refresh_interval + of_leader;
}

bool start_sequence::is_rival_at_work(const checkpoint& stored) {
    return rivals_.is_at_work(stored, parts_.with.clock.now(), patience());
}

aio::awaitable<step_result> start_sequence::read_slave(slave_writer& slave) {
    auto migrated = co_await migrate_records(slave);
    if (migrated.reason != end_reason::done) co_return migrated;
    auto found = co_await slave.read();
    if (!found) co_return slave_failed(found.error());
    found_ = std::move(*found);
    if (stored() != nullptr && is_rival_at_work(*stored()))
        co_return held("another etcd-sync with the same instance name writes on this slave: stop one of the two");
    co_return end_reason::done;
}

aio::awaitable<step_result> start_sequence::migrate_records(slave_writer& slave) {
    const auto found = co_await slave.read_all();
    if (!found && etcd::is_permission_denied(found.error())) {
        // If it is our own checkpoint that may not be read, the next read reports it.
        slave.ignore_other_mode();
        if (!std::exchange(reported_unreadable_, true)) {
            parts_.report.log(observe::log_level::debug, "not looking for checkpoints of another consistency mode",
                              {{"cause", found.error().text}});
        }
        co_return end_reason::done;
    }
    if (!found) co_return slave_failed(found.error());
    const migration plan = plan_migration(*found, *settings_.records);
    if (plan.steps.empty()) co_return end_reason::done;
    if (is_rival_at_work(plan.activity)) {
        co_return held(
            "another etcd-sync with the same instance name, but another consistency mode or other rules, writes on "
            "this slave: stop one of the two");
    }
    if (!parts_.control.may_write()) co_return end_reason::restart;
    const auto done = co_await slave.migrate(*found, plan, parts_.limits, settings_.is_first_of_slave());
    if (!done && etcd::is_permission_denied(done.error())) {
        const std::string why = fmt::format(
            "{}: migrating the checkpoints of another consistency mode takes readwrite on all keys that begin with {}, "
            "once",
            done.error().text, base::printable(settings_.records->all_mode_key()));
        co_return slave_failed(etcd::error(etcd::error_class::denied, why));
    }
    if (!done) co_return slave_failed(done.error());
    if (!*done) co_return end_reason::restart;
    parts_.report.log(observe::log_level::info, "migrated checkpoints from the previous consistency mode or rules",
                      {{"from", plan.removed_keys}});
    co_return end_reason::done;
}

aio::awaitable<step_result> start_sequence::claim_unchanged(slave_writer& slave, checkpoint record) {
    if (!parts_.control.may_write()) co_return end_reason::restart;
    record.writer = parts_.with.writer;
    const batch nothing(parts_.limits.now());
    const auto claimed = co_await slave.commit(nothing, std::move(record), parts_.limits.now());
    if (!claimed) co_return slave_failed(claimed.error());
    if (!*claimed) co_return end_reason::restart;
    co_return end_reason::done;
}

aio::awaitable<step_result> start_sequence::decide(slave_writer& slave, guard_policy& guards) {
    if (contested_ && stored() != nullptr) {
        // Another process writes here faster than the master's history is proven. A claim stops it.
        auto end = co_await claim_unchanged(slave, *stored());
        if (end.reason != end_reason::done) co_return end;
        contested_ = false;  // a link that is held from here on must not claim again and again
    }
    same_ids_ = found_.cluster_id == parts_.source.cluster_id();
    if (same_ids_ && same_store_) co_return held(std::string(slave_is_master));
    start_context now;
    now.cluster_id = parts_.source.cluster_id();
    now.master_position = parts_.source.recent().position();
    now.slave_cluster_id = found_.cluster_id;
    now.slave_revision = found_.slave_revision;
    auto end = co_await prove_master(slave, guards, now);
    if (end.reason != end_reason::done) co_return end;
    plan_ = plan_start(found_.record, parts_.keys, now);
    co_return end_reason::done;
}

aio::awaitable<step_result> start_sequence::prove_master(slave_writer& slave, guard_policy& guards,
                                                         start_context& now) {
    accepted_other_ = false;
    const session_history before(parts_.source);
    const checkpoint record = stored() != nullptr ? *stored() : checkpoint();
    const auto proved = co_await master_.prove(record);
    if (!proved) co_return step_result(end_reason::master_away, proved.error());
    // What was proven says nothing about a master that the feed went to meanwhile, without a proof of its own.
    if (!before.is_current(parts_.source)) co_return end_reason::restart;
    if (proved->is_contradiction()) {
        const bool holds = guards.safety.on_master_change == config::master_change::hold;
        if (holds && !guards.accepts_other_master) co_return co_await hold(slave, *proved);
        lifts_guards_ = lifts_guards_ || !guards.accepts_other_master;
        accepted_other_ = proved->found == proof::verdict::other;
    }
    if (lifts_guards_) {
        // That is what "resync" means: no guard for this one change. A one-shot job ends with it anyway.
        guards.approved = true;
        guards.for_one_sync = !parts_.once;
    }
    now.accepted_other = accepted_other_;
    const bool continued = master_.is_continued(record);
    now.proven = proved->found == proof::verdict::same || (continued && proved->found == proof::verdict::unproven);
    now.continuous = proved->continuous && !proved->is_contradiction();
    now.unproven_reason = proved->reason;
    now.unchanged_until = proved->unchanged_until;
    now.raft = proved->raft;
    co_return end_reason::done;
}

aio::awaitable<step_result> start_sequence::remember_contradiction(slave_writer& slave, checkpoint record) {
    record.other = true;
    record.split = false;
    record.pass = sync_pass::none;
    record.frontier.clear();
    co_return co_await claim_unchanged(slave, std::move(record));
}

aio::awaitable<step_result> start_sequence::hold(slave_writer& slave, const proof& why) {
    const bool is_final = why.found == proof::verdict::other;
    rivals_.note_held(*stored());
    if (is_final && !stored()->other && rivals_.is_abandoned(*stored(), parts_.with.clock.now(), patience())) {
        auto end = co_await remember_contradiction(slave, *stored());
        if (end.reason != end_reason::done) co_return end;
        master_.settle();
    }
    const std::string text = why.reason + "; nothing was written";
    co_return step_result(end_reason::other_master, etcd::error(etcd::error_class::denied, text));
}

aio::awaitable<step_result> start_sequence::confirm(slave_writer& slave) {
    if (accepted_other_) master_.settle();  // the checkpoint that was just claimed says it
    if (same_ids_) {
        const auto same = co_await is_the_master(slave);
        if (!parts_.control.may_write()) co_return end_reason::restart;
        if (!same) co_return step_result(end_reason::master_away, same.error());
        same_store_ = *same;
    }
    if (same_store_) co_return held(std::string(slave_is_master));
    co_return end_reason::done;
}

aio::awaitable<etcd::result<bool>> start_sequence::is_the_master(slave_writer& slave) {
    // Ids alone prove nothing. A checkpoint that was just written on the slave and is on the master as well does.
    const net::channel_options options = slave_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return channel.error();
    etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
    etcd::range_query query;
    query.key = settings_.checkpoint.position;
    const auto page = co_await master.range(query);
    if (page) co_return page->kvs.size() == 1 && page->kvs.front().value == slave.text();
    if (!etcd::is_permission_denied(page.error())) co_return page.error();
    co_return co_await revision_moves_with(master, slave);
}

aio::awaitable<etcd::result<bool>> start_sequence::revision_moves_with(etcd::kv& master, slave_writer& slave) {
    // Our user on the master may not read the checkpoint. But a store that is both moves on by the next claim, to that very
    // revision.
    const etcd::range_query query = probe_query(parts_.keys.cover());
    const auto before = co_await master.range(query);
    if (!before) co_return before.error();
    if (!parts_.control.may_write()) co_return etcd::error(etcd::error_class::cancelled, "the link stops");
    const batch nothing(parts_.limits.now());
    const auto claimed = co_await slave.commit(nothing, slave.record(), parts_.limits.now());
    if (!claimed) co_return claimed.error();
    const auto after = co_await master.range(query);
    if (!after) co_return after.error();
    co_return before->header.store_revision < slave.revision_of_record() &&
        slave.revision_of_record() <= after->header.store_revision;
}

}  // namespace etcdsync::replication
