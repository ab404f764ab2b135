// SPDX-License-Identifier: Apache-2.0
#include "replication/link/full_sync.hpp"

#include "replication/link/pass_position.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/record/proof.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

using mode = full_sync_pass::mode;

net::channel_options bulk_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 4U << 20;
    return options;
}

step_result blocked_by_guard(std::string why) {
    return step_result(end_reason::blocked_by_guard, etcd::error(etcd::error_class::denied, std::move(why)));
}

mode mode_of(sync_pass pass) {
    switch (pass) {
        case sync_pass::count: return mode::count;
        case sync_pass::prune: return mode::prune;
        default: return mode::repair;
    }
}

/// Reads one key of a segment at a revision (0: now).
etcd::range_query first_key_query(const keys::key_range& range, revision at) {
    const wire_range wire(range);
    etcd::range_query query;
    query.key = wire.key;
    query.range_end = wire.range_end;
    query.limit = 1;
    query.keys_only = true;
    query.at = at;
    return query;
}

}  // namespace

void full_sync::resume(std::string reason) {
    reason_ = std::move(reason);
    compared_ = in_full_sync(position_);
    if (nothing_below_frontier(position_)) start_count();
}

aio::awaitable<step_result> full_sync::begin(std::string reason, bool proven) {
    reason_ = std::move(reason);
    session_->set_proven(proven);
    position_.cluster_id = parts_.source.cluster_id();
    position_.raft_term = parts_.source.raft_term();
    position_.pass = proven || parts_.guards.approved ? sync_pass::repair : sync_pass::count;
    position_.split = false;
    position_.frontier.clear();
    position_.event_revision = 0;
    position_.event_digest.clear();
    position_.anchors.clear();
    position_.count.reset();
    compared_ = true;
    start_count();
    budget_.reset();
    // Until something is written the stored checkpoint stays true, and it can prove more than a new one.
    if (position_.pass == sync_pass::repair) co_return end_reason::done;
    co_return co_await session_->commit_position();
}

aio::awaitable<step_result> full_sync::run() {
    const permit_holder::scope scope(*permit_);
    auto waited = co_await permit_->take();
    if (waited.reason != end_reason::done) co_return waited;
    const net::channel_options options = bulk_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return step_result(end_reason::master_away, channel.error());
    etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
    step_result end = co_await prepare(*channel);
    while (in_full_sync(position_) && end.reason == end_reason::done) {
        parts_.report.enter(link_state::full_sync, reason_);
        if (nothing_below_frontier(position_)) end = co_await pin(master);
        if (end.reason == end_reason::done && nothing_below_frontier(position_))
            end = co_await record_newest_event(master);
        if (end.reason == end_reason::done) end = co_await run_pass(master);
    }
    if (end.reason == end_reason::master_away) parts_.master.avoid((*channel)->peer());
    co_return end;
}

aio::awaitable<step_result> full_sync::prepare(std::shared_ptr<net::channel> on) {
    auto end = co_await prove_again(std::move(on));
    if (end.reason != end_reason::done || nothing_below_frontier(position_)) co_return end;
    // A resumed pass: what the slave rejected may be gone from the master since, but not at the old R.
    co_return co_await advancer_->advance_to_head();
}

aio::awaitable<step_result> full_sync::prove_again(std::shared_ptr<net::channel> on) {
    // This is not the connection that was proven, and much time may have passed.
    const checkpoint& record = session_->writer().record();
    if (!session_->proven() || record.event_revision == 0) co_return end_reason::done;
    const auto proved = co_await prove_history(on, parts_.with, parts_.master.request_timeout(), parts_.keys, record);
    if (!proved) {
        parts_.master.avoid(on->peer());
        co_return step_result(end_reason::master_away, proved.error());
    }
    if (auto end = session_->interrupted()) co_return std::move(*end);
    if (proved->found == proof::verdict::other) co_return end_reason::restart;
    co_return end_reason::done;
}

aio::awaitable<step_result> full_sync::pin(etcd::kv& master) {
    // Nothing was copied yet, so R may be chosen: the newest revision. The log's position can be old if the master is busy
    // outside the rules, and its history compacted. What the log still delivers up to here is skipped later.
    const etcd::range_query query = probe_query(parts_.keys.cover());
    const auto page = co_await master.range(query);
    if (!page) co_return step_result(end_reason::master_away, page.error());
    if (auto end = session_->interrupted()) co_return std::move(*end);
    position_.rev = std::max(position_.rev, page->header.store_revision);
    position_.anchors.clear();
    position_.count.reset();
    co_return end_reason::done;
}

aio::awaitable<std::optional<revision>> full_sync::find_newest_event(etcd::kv& master) {
    revision newest = 0;
    for (const segment& part : parts_.keys.segments()) {
        etcd::range_query query = first_key_query(part.source, position_.rev);
        query.newest_first = true;
        const auto page = co_await master.range(query);
        if (!page) co_return std::nullopt;  // the pass meets the same error and handles it
        if (!page->kvs.empty()) newest = std::max(newest, page->kvs.front().mod_revision);
    }
    if (newest == 0) co_return std::nullopt;
    co_return newest;
}

aio::awaitable<step_result> full_sync::record_newest_event(etcd::kv master) {
    // The checkpoint of a full sync begins without an E. If this process were killed before it has one, its successor could not
    // prove the master. So the newest revision is recorded before the first page.
    const bool needed = session_->proven() && position_.pass == sync_pass::repair && position_.event_digest.empty();
    if (!needed || parts_.keys.segments().size() > most_segments_to_count) co_return end_reason::done;
    const auto newest = co_await find_newest_event(master);
    if (!newest) co_return end_reason::done;
    std::string digest = co_await read_event_digest(master.channel(), parts_.with, parts_.master.request_timeout(),
                                                    parts_.keys, *newest);
    if (auto end = session_->interrupted()) co_return std::move(*end);
    if (digest.empty()) co_return end_reason::done;
    position_.event_revision = *newest;
    position_.event_digest = std::move(digest);
    co_return co_await session_->commit_position();
}

aio::awaitable<step_result> full_sync::run_pass(etcd::kv& master) {
    if (position_.pass == sync_pass::count) {
        auto end = co_await skip_count_of_empty_slave();
        if (end.reason != end_reason::done || position_.pass != sync_pass::count) co_return end;
    }
    if (position_.pass == sync_pass::prune && !budget_) {
        auto end = co_await guard_prune(master);
        if (end.reason != end_reason::done || position_.pass != sync_pass::prune) co_return end;
    }
    if (!found_ && nothing_below_frontier(position_)) start_count();
    census uncounted(parts_.keys.rules());  // if an earlier session did a part of the pass
    full_sync_pass::progress at{found_ ? *found_ : uncounted, position_.frontier, budget_};
    full_sync_pass pass(*session_, master, mode_of(position_.pass), at);
    auto end = co_await pass.run();
    switch (end.reason) {
        case end_reason::done: co_await pass.record_newest_event(); co_return co_await end_pass(master);
        case end_reason::compare: co_return co_await continue_at_newer_revision(master);
        case end_reason::resume_pass: found_.reset(); co_return end_reason::done;
        case end_reason::blocked_by_guard:  // more than was counted: another client writes here, so count again
            budget_.reset();
            found_.reset();
            co_return end_reason::done;
        default: co_return end;
    }
}

aio::awaitable<step_result> full_sync::skip_count_of_empty_slave() {
    constexpr revision present = 0;
    for (const segment& part : parts_.keys.segments()) {
        const etcd::range_query query = first_key_query(part.target, present);
        const auto page = co_await session_->writer().kv().range(query);
        if (!page) co_return step_result(end_reason::slave_failed, page.error());
        if (!page->kvs.empty()) co_return end_reason::done;
    }
    // The spans were empty, so no key in them is foreign: ranges may be deleted as such.
    for (span& s : position_.spans) s.since = 0;
    co_return co_await change_pass(sync_pass::repair);
}

aio::awaitable<step_result> full_sync::continue_at_newer_revision(etcd::kv& master) {
    if (nothing_below_frontier(position_)) co_return end_reason::done;
    const revision before = position_.rev;
    auto end = co_await advancer_->advance_to_head();
    if (end.reason != end_reason::done || position_.rev > before) co_return end;
    // The log has nothing newer, but the pages at R are gone. A read, or else a watch, shows whether anything changed.
    const auto unchanged = co_await find_unchanged(master, parts_.keys, position_);
    if (!unchanged) co_return step_result(end_reason::master_away, unchanged.error());
    if (auto stop = session_->interrupted()) co_return std::move(*stop);
    if (!*unchanged || **unchanged <= before) co_return co_await catch_up_->replay_missed();
    position_.rev = **unchanged;
    co_return end_reason::done;
}

aio::awaitable<step_result> full_sync::end_pass(etcd::kv& master) {
    if (position_.pass == sync_pass::count) {
        const std::string violation = guard_violation(parts_.keys, *found_, parts_.guards, session_->proven());
        if (!violation.empty()) co_return blocked_by_guard(violation + "; nothing was written");
        co_return co_await change_pass(sync_pass::repair);
    }
    if (position_.pass == sync_pass::repair && (!found_ || found_->removals() > 0)) {
        auto end = co_await change_pass(sync_pass::prune);
        if (end.reason != end_reason::done) co_return end;
        co_return co_await guard_prune(master);
    }
    report_kept_keys();
    co_return co_await change_pass(sync_pass::none);
}

aio::awaitable<step_result> full_sync::guard_prune(etcd::kv& master) {
    if (!found_) {
        if (!extra_) {
            extra_.emplace(parts_.keys.rules());
            extra_frontier_.clear();
        }
        full_sync_pass::progress at{*extra_, extra_frontier_, budget_};
        full_sync_pass extra(*session_, master, mode::count_extra, at);
        auto end = co_await extra.run();
        if (end.reason == end_reason::done) found_ = std::exchange(extra_, std::nullopt);
        if (end.reason == end_reason::compare) co_return co_await continue_at_newer_revision(master);
        if (end.reason != end_reason::done) co_return end;
    }
    const std::string violation = guard_violation(parts_.keys, *found_, parts_.guards, session_->proven());
    if (!violation.empty()) co_return blocked_by_guard(violation + "; nothing was deleted");
    budget_ = found_->removals();
    parts_.report.status().progress = {};
    start_count();
    co_return end_reason::done;
}

aio::awaitable<step_result> full_sync::change_pass(sync_pass to) {
    position_.pass = to;
    position_.frontier.clear();
    if (to != sync_pass::prune) start_count();
    if (to == sync_pass::none) budget_.reset();
    parts_.report.status().progress = {};
    co_return co_await session_->commit_position();
}

void full_sync::report_kept_keys() {
    link_status& status = parts_.report.status();
    status.foreign_keys = found_ ? found_->foreign : 0;
    status.kept_keys = found_ ? found_->kept : 0;
    if (status.foreign_keys > 0) {
        parts_.report.log(observe::log_level::warn, "keeping foreign keys that the master does not have",
                          {{"keys", status.foreign_keys}, {"examples", listed(found_->foreign_keys)}});
    }
    if (status.kept_keys > 0) {
        parts_.report.log(observe::log_level::info, "keeping keys that the master does not have, as configured",
                          {{"keys", status.kept_keys}});
    }
}

}  // namespace etcdsync::replication
