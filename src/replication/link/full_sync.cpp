// SPDX-License-Identifier: Apache-2.0
#include "replication/link/full_sync.hpp"

#include "replication/compare/page_reader.hpp"
#include "replication/link/pass_position.hpp"
#include "replication/link/take_permit.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/status/suggestions.hpp"

#include <utility>

namespace etcdsync::replication {
namespace {

using mode = full_sync_pass::mode;

step_result blocked_by_guard(std::string why) {
    return step_result(end_reason::blocked_by_guard, etcd::error(etcd::error_class::denied, std::move(why)));
}

evidence evidence_of(const session_history& history) {
    if (history.proven) return evidence::proven;
    return history.known_until > 0 ? evidence::continuous : evidence::unproven;
}

mode mode_of(sync_pass pass) {
    switch (pass) {
        case sync_pass::count: return mode::count;
        case sync_pass::prune: return mode::prune;
        default: return mode::repair;
    }
}

}  // namespace

void full_sync::resume(std::string reason) {
    reason_ = std::move(reason);
    compared_ = in_full_sync(position_);
    if (nothing_below_frontier(position_)) start_count();
}

aio::awaitable<step_result> full_sync::begin(std::string reason) {
    reason_ = std::move(reason);
    position_.cluster_id = parts_.source.cluster_id();
    const bool equaled = !in_full_sync(position_) && !position_.split;
    session_->history().expected_keys = equaled ? position_.count : std::nullopt;
    const bool may_write = session_->history().proven || parts_.guards.approved;
    position_.pass = may_write ? sync_pass::repair : sync_pass::count;
    position_.split = false;
    position_.frontier.clear();
    position_.event_revision = 0;
    position_.event_digest.clear();
    position_.anchors.clear();
    position_.count.reset();
    session_->adopt_foreign_keys();
    compared_ = true;
    start_count();
    budget_.reset();
    // Until something is written the stored checkpoint stays true, and it can prove more than a new one.
    if (position_.pass == sync_pass::repair || !session_->history().is_first) co_return end_reason::done;
    co_return co_await session_->commit_position();
}

aio::awaitable<step_result> full_sync::run() {
    std::optional<permits::permit> permit;
    auto waited = co_await take_permit(*session_, parts_.full_sync_permits, permit);
    if (waited.reason != end_reason::done) co_return waited;
    const net::channel_options options = page_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return step_result(end_reason::master_away, channel.error());
    const etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
    pinned_revision pinned(*session_, *advancer_, *catch_up_, master);
    step_result end = co_await pinned.resume();
    while (in_full_sync(position_) && end.reason == end_reason::done) {
        parts_.report.enter(link_state::full_sync, reason_);
        if (nothing_below_frontier(position_)) end = co_await pinned.choose();
        if (end.reason == end_reason::done) end = co_await run_pass(pinned);
    }
    if (end.reason == end_reason::master_away) parts_.master.avoid((*channel)->peer());
    co_return end;
}

aio::awaitable<step_result> full_sync::run_pass(pinned_revision& pinned) {
    if (position_.pass == sync_pass::count) {
        auto end = co_await skip_count_of_empty_slave();
        if (end.reason != end_reason::done || position_.pass != sync_pass::count) co_return end;
    }
    if (position_.pass == sync_pass::prune && !budget_) {
        auto end = co_await guard_prune(pinned);
        if (end.reason != end_reason::done || position_.pass != sync_pass::prune) co_return end;
    }
    if (!found_ && nothing_below_frontier(position_)) start_count();
    census uncounted(parts_.keys.rules());  // if an earlier session did a part of the pass
    full_sync_pass::progress at{found_ ? *found_ : uncounted, position_.frontier, budget_};
    full_sync_pass pass(*session_, pinned.master(), mode_of(position_.pass), at);
    auto end = co_await pass.run();
    switch (end.reason) {
        case end_reason::done: co_await pass.record_newest_event(); co_return co_await end_pass(pinned);
        case end_reason::compare: co_return co_await move_on(pinned, pass, end.error);
        case end_reason::resume_pass: found_.reset(); co_return end_reason::done;
        case end_reason::blocked_by_guard:  // more than was counted: another client writes here, so count again
            budget_.reset();
            found_.reset();
            co_return end_reason::done;
        default: co_return end;
    }
}

aio::awaitable<step_result> full_sync::move_on(pinned_revision& pinned, const full_sync_pass& after,
                                               const etcd::error& why) {
    constexpr unsigned most_in_a_row = 3;
    fruitless_ = after.has_read() ? 0 : fruitless_ + 1;
    if (fruitless_ < most_in_a_row) co_return co_await pinned.move_on();
    // Each revision was compacted before the first page: after a pause, or on another member, it may be better.
    fruitless_ = 0;
    co_return step_result(end_reason::master_away, why);
}

aio::awaitable<etcd::result<bool>> full_sync::slave_is_empty() {
    const std::vector<segment>& segments = parts_.keys.segments();
    if (segments.size() > 1) {
        // One question for all of them is enough, unless there are keys between them, or this user may not read those.
        const keys::key_range all = keys::hull(segments.front().target, segments.back().target);
        const etcd::range_query query = probe_query(all);
        const auto page = co_await session_->writer().kv().range(query);
        if (page && page->kvs.empty()) co_return true;
        if (!page && !etcd::is_permission_denied(page.error())) co_return page.error();
    }
    for (const segment& part : segments) {
        const etcd::range_query query = probe_query(part.target);
        const auto page = co_await session_->writer().kv().range(query);
        if (!page) co_return page.error();
        if (!page->kvs.empty()) co_return false;
    }
    co_return true;
}

aio::awaitable<step_result> full_sync::skip_count_of_empty_slave() {
    const auto empty = co_await slave_is_empty();
    if (!empty) co_return step_result(end_reason::slave_failed, empty.error());
    if (!*empty) co_return end_reason::done;
    // The spans were empty, so no key in them is foreign: ranges may be deleted as such.
    for (span& s : position_.spans) s.since = 0;
    co_return co_await change_pass(sync_pass::repair);
}

aio::awaitable<step_result> full_sync::end_pass(pinned_revision& pinned) {
    if (position_.pass == sync_pass::count) {
        const std::string violation =
            guard_violation(parts_.keys, *found_, parts_.guards, evidence_of(session_->history()));
        if (!violation.empty()) co_return blocked_by_guard(violation + "; nothing was written");
        co_return co_await change_pass(sync_pass::repair);
    }
    if (position_.pass == sync_pass::repair && (!found_ || found_->removals() > 0)) {
        auto end = co_await change_pass(sync_pass::prune);
        if (end.reason != end_reason::done) co_return end;
        co_return co_await guard_prune(pinned);
    }
    report_kept_keys();
    co_return co_await change_pass(sync_pass::none);
}

aio::awaitable<step_result> full_sync::guard_prune(pinned_revision& pinned) {
    if (!found_) {
        if (!extra_) {
            extra_.emplace(parts_.keys.rules());
            extra_frontier_.clear();
        }
        full_sync_pass::progress at{*extra_, extra_frontier_, budget_};
        full_sync_pass extra(*session_, pinned.master(), mode::count_extra, at);
        auto end = co_await extra.run();
        if (end.reason == end_reason::done) found_ = std::exchange(extra_, std::nullopt);
        if (end.reason == end_reason::compare) co_return co_await move_on(pinned, extra, end.error);
        if (end.reason != end_reason::done) co_return end;
    }
    const std::string violation =
        guard_violation(parts_.keys, *found_, parts_.guards, evidence_of(session_->history()));
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
    // The first position of a repair is written when its R is chosen, with what proves it: what is stored until then proves more.
    if (to == sync_pass::repair) co_return end_reason::done;
    co_return co_await session_->commit_position();
}

void full_sync::start_count() {
    found_.emplace(parts_.keys.rules());
    found_->expected = session_->history().expected_keys;
}

void full_sync::report_kept_keys() {
    link_status& status = parts_.report.status();
    status.foreign_keys = found_ ? found_->foreign : 0;
    status.kept_keys = found_ ? found_->kept : 0;
    if (status.foreign_keys > 0) {
        const suggestions deletion = suggest_approval(parts_.with.program, status.slave, true);
        parts_.report.log(observe::log_level::warn, "keeping foreign keys that the master does not have",
                          {{"keys", status.foreign_keys},
                           {"examples", listed(found_->foreign_keys)},
                           {"preview", deletion.preview},
                           {"approve", deletion.approve}});
    }
    if (status.kept_keys > 0) {
        parts_.report.log(observe::log_level::info, "keeping keys that the master does not have, as configured",
                          {{"keys", status.kept_keys}});
    }
}

}  // namespace etcdsync::replication
