// SPDX-License-Identifier: Apache-2.0
// The order of the passes of a full sync, what stands between them, and how they outlive a compaction (design.md section 6).
#include "replication/link/full_sync_pass.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/record/proof.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

using way = full_sync_pass::way;

net::channel_options bulk_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 4U << 20;
    return options;
}

step_result blocked_by_guard(std::string why) {
    return step_result(end_reason::blocked_by_guard, etcd::error(etcd::error_class::denied, std::move(why)));
}

way way_of(sync_pass pass) {
    switch (pass) {
        case sync_pass::count: return way::count;
        case sync_pass::prune: return way::prune;
        default: return way::repair;
    }
}

}  // namespace

aio::awaitable<step_result> session::pin(etcd::kv& master) {
    // Nothing is at R yet, so R may be chosen: the newest, because the log's position can be old where the master is busy
    // outside the rules, and its history there gone. What the log still brings up to here is skipped later.
    const etcd::range_query query = probe_query(parts_.keys.cover());
    const auto page = co_await master.range(query);
    if (!page) co_return step_result(end_reason::master_away, page.error());
    if (auto end = interrupted()) co_return std::move(*end);
    position_.rev = std::max(position_.rev, page->header.store_revision);
    position_.witnesses.clear();
    position_.count.reset();
    co_return end_reason::done;
}

aio::awaitable<step_result> session::full_sync() {
    const scoped_permit scope(permit_);
    auto waited = co_await take_permit();
    if (waited.reason != end_reason::done) co_return waited;
    const net::channel_options options = bulk_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return step_result(end_reason::master_away, channel.error());
    etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
    step_result end = co_await prove_again(*channel);
    if (end.reason != end_reason::done) co_return end;
    // A pass taken up again: at its old R would still stand what the slave did not take, whatever became of it on the master.
    if (!nothing_below_frontier()) end = co_await advance_to_head();
    while (in_full_sync() && end.reason == end_reason::done) {
        parts_.report.enter(link_state::full_sync, reason_);
        if (nothing_below_frontier()) end = co_await pin(master);
        if (end.reason == end_reason::done && nothing_below_frontier()) end = co_await record_newest_event(master);
        if (end.reason == end_reason::done) end = co_await run_pass(master);
    }
    if (end.reason == end_reason::master_away) parts_.master.avoid((*channel)->peer());
    co_return end;
}

aio::awaitable<step_result> session::prove_again(std::shared_ptr<net::channel> on) {
    // Another connection than the one that was proved, and a long time may lie between.
    const checkpoint& record = slave_->record();
    if (!proven_ || record.event_revision == 0) co_return end_reason::done;
    const auto proved = co_await prove_history(on, parts_.with, parts_.master.request_timeout(), parts_.keys, record);
    if (!proved) {
        parts_.master.avoid(on->peer());
        co_return step_result(end_reason::master_away, proved.error());
    }
    if (auto end = interrupted()) co_return std::move(*end);
    co_return proved->found == proof::verdict::other ? end_reason::restart : end_reason::done;
}

aio::awaitable<step_result> session::record_newest_event(etcd::kv master) {
    // The record of a full sync begins without an E. Until it has one, a process that is killed leaves a successor that must take
    // the master for a stranger. So where it is none, its newest revision is noted before the first page.
    const bool needed = proven_ && position_.pass == sync_pass::repair && position_.event_digest.empty();
    if (!needed || parts_.keys.segments().size() > most_segments_to_count) co_return end_reason::done;
    revision newest = 0;
    for (const segment& part : parts_.keys.segments()) {
        const wire_range wire(part.source);
        etcd::range_query query;
        query.key = wire.key;
        query.range_end = wire.range_end;
        query.limit = 1;
        query.keys_only = true;
        query.newest_first = true;
        query.at = position_.rev;
        const auto page = co_await master.range(query);
        if (!page) co_return end_reason::done;  // the pass will meet the same, and knows what to do
        if (!page->kvs.empty()) newest = std::max(newest, page->kvs.front().mod_revision);
    }
    if (newest == 0) co_return end_reason::done;
    std::string digest = co_await learn_event_digest(master.channel(), parts_.with, parts_.master.request_timeout(),
                                                     parts_.keys, newest);
    if (auto end = interrupted()) co_return std::move(*end);
    if (digest.empty()) co_return end_reason::done;
    position_.event_revision = newest;
    position_.event_digest = std::move(digest);
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

aio::awaitable<step_result> session::run_pass(etcd::kv& master) {
    if (position_.pass == sync_pass::count) {
        auto end = co_await skip_count_of_empty_slave();
        if (end.reason != end_reason::done || position_.pass != sync_pass::count) co_return end;
    }
    if (position_.pass == sync_pass::prune && !budget_) {
        auto end = co_await guard_prune(master);
        if (end.reason != end_reason::done || position_.pass != sync_pass::prune) co_return end;
    }
    if (!found_ && nothing_below_frontier()) found_.emplace(parts_.keys.rules());
    census uncounted(parts_.keys.rules());  // where an earlier session did a part of the pass
    full_sync_pass pass(*this, master, way_of(position_.pass), found_ ? *found_ : uncounted);
    auto end = co_await pass.run();
    switch (end.reason) {
        case end_reason::done: co_await pass.note_event(); co_return co_await end_pass(master);
        case end_reason::compare: co_return co_await go_on_at_newer(master);
        case end_reason::resume_pass: found_.reset(); co_return end_reason::done;
        case end_reason::blocked_by_guard:  // more than was counted: somebody else writes here, so count again
            budget_.reset();
            found_.reset();
            co_return end_reason::done;
        default: co_return end;
    }
}

aio::awaitable<step_result> session::skip_count_of_empty_slave() {
    for (const segment& part : parts_.keys.segments()) {
        const wire_range wire(part.target);
        etcd::range_query query;
        query.key = wire.key;
        query.range_end = wire.range_end;
        query.limit = 1;
        query.keys_only = true;
        const auto page = co_await slave_->kv().range(query);
        if (!page) co_return step_result(end_reason::slave_failed, page.error());
        if (!page->kvs.empty()) co_return end_reason::done;
    }
    // Nothing stood there before we came, so nothing is foreign: ranges may be deleted as such.
    for (span& s : position_.spans) s.since = 0;
    co_return co_await change_pass(sync_pass::repair);
}

aio::awaitable<step_result> session::go_on_at_newer(etcd::kv& master) {
    if (nothing_below_frontier()) co_return end_reason::done;
    const revision before = position_.rev;
    auto end = co_await advance_to_head();
    if (end.reason != end_reason::done || position_.rev > before) co_return end;
    // The log has nothing newer, but the pages at R are gone. That nothing changed is seen by asking, or told by a watch.
    const auto unchanged = co_await find_unchanged(master, parts_.keys, position_);
    if (!unchanged) co_return step_result(end_reason::master_away, unchanged.error());
    if (auto stop = interrupted()) co_return std::move(*stop);
    if (!*unchanged || **unchanged <= before) co_return co_await replay_missed();
    position_.rev = **unchanged;
    co_return end_reason::done;
}

aio::awaitable<step_result> session::end_pass(etcd::kv& master) {
    if (position_.pass == sync_pass::count) {
        const std::string why_not = guard_violation(parts_.keys, *found_, parts_.guards, proven_);
        if (!why_not.empty()) co_return blocked_by_guard(why_not + "; nothing was written");
        co_return co_await change_pass(sync_pass::repair);
    }
    if (position_.pass == sync_pass::repair && (!found_ || found_->removals() > 0)) {
        auto end = co_await change_pass(sync_pass::prune);
        if (end.reason != end_reason::done) co_return end;
        co_return co_await guard_prune(master);
    }
    tell_of_what_is_kept();
    co_return co_await change_pass(sync_pass::none);
}

aio::awaitable<step_result> session::guard_prune(etcd::kv& master) {
    if (!found_) {
        if (!extra_) {
            extra_.emplace(parts_.keys.rules());
            extra_frontier_.clear();
        }
        full_sync_pass extra(*this, master, way::count_extra, *extra_);
        auto end = co_await extra.run();
        if (end.reason == end_reason::done) found_ = std::exchange(extra_, std::nullopt);
        if (end.reason == end_reason::compare) co_return co_await go_on_at_newer(master);
        if (end.reason != end_reason::done) co_return end;
    }
    const std::string why_not = guard_violation(parts_.keys, *found_, parts_.guards, proven_);
    if (!why_not.empty()) co_return blocked_by_guard(why_not + "; nothing was deleted");
    budget_ = found_->removals();
    parts_.report.status().progress = {};
    found_.emplace(parts_.keys.rules());
    co_return end_reason::done;
}

aio::awaitable<step_result> session::change_pass(sync_pass to) {
    position_.pass = to;
    position_.frontier.clear();
    if (to != sync_pass::prune) found_.emplace(parts_.keys.rules());
    if (to == sync_pass::none) budget_.reset();
    parts_.report.status().progress = {};
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

void session::tell_of_what_is_kept() {
    link_status& status = parts_.report.status();
    status.foreign_keys = found_ ? found_->foreign : 0;
    status.kept_keys = found_ ? found_->kept : 0;
    if (status.foreign_keys > 0) {
        parts_.with.log.warn(status.name + ": keys that stood in its spans before the first sync are kept",
                             {{"keys", status.foreign_keys}, {"among_them", listed(found_->foreign_keys)}});
    }
    if (status.kept_keys > 0) {
        parts_.with.log.info(status.name + ": keys that the master does not have are kept, as configured",
                             {{"keys", status.kept_keys}});
    }
}

}  // namespace etcdsync::replication
