// SPDX-License-Identifier: Apache-2.0
#include "replication/link/session.hpp"

#include "base/escape.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// A master that is away for less is not told of.
constexpr std::chrono::seconds short_interruption{1};

}  // namespace

session::session(link_parts parts, slave_writer& slave)
    : parts_(parts), slave_(&slave), generation_(parts.source.recent().generation()),
      continuity_(parts.source.continuity()), last_commit_(parts.with.clock.now()), last_contact_(last_commit_) {}

std::optional<step_result> session::interrupted() const {
    if (parts_.stopping) return end_reason::stopped;
    if (parts_.source.recent().generation() != generation_) return end_reason::restart;
    // A watch of the feed was opened without proof: it may be another master's.
    if (parts_.source.continuity() != continuity_) return end_reason::restart;
    return std::nullopt;
}

std::optional<std::string> session::frontier() const {
    // While pruning, all keys are right already: only what is left over is still to go.
    if (position_.pass == sync_pass::count) return std::string();
    if (position_.pass != sync_pass::repair) return std::nullopt;
    return position_.frontier;
}

aio::awaitable<step_result> session::claim(checkpoint record, std::string reason, bool proven) {
    reason_ = std::move(reason);
    proven_ = proven;
    position_ = std::move(record);
    position_.writer = parts_.with.writer;
    if (nothing_below_frontier()) found_.emplace(parts_.keys.rules());
    compared_ = in_full_sync();
    if (parts_.guards.claims_all) claim_all();
    if (applied_revision_is_valid()) parts_.report.status().applied = position_.rev;
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

void session::claim_all() {
    for (span& s : position_.spans) s.since = 0;
}

aio::awaitable<step_result> session::commit(const batch& writes) {
    // What was read of a master that is no more the one it was is not sent.
    if (auto end = interrupted()) co_return std::move(*end);
    const auto committed = co_await slave_->commit(writes, position_, parts_.limits.max_ops);
    if (!committed) {
        const bool slow = committed.error().cls == etcd::error_class::ambiguous && slave_->usable();
        if (slow) shrink_after_timeout(writes, parts_.limits);
        co_return step_result(end_reason::slave_failed, name_the_key(committed.error(), writes));
    }
    if (is_large(writes)) parts_.limits.unanswered = 0;
    if (!*committed) co_return end_reason::restart;
    last_commit_ = parts_.with.clock.now();
    last_contact_ = last_commit_;
    position_ = slave_->record();
    if (!writes.empty()) progressed_ = true;
    link_status& status = parts_.report.status();
    if (applied_revision_is_valid()) status.applied = position_.rev;
    status.progress.bytes += writes.bytes();
    for (const etcd::operation& write : writes.writes())
        ++(write.type == etcd::event_type::put ? status.puts : status.deletes);
    co_return end_reason::done;
}

aio::awaitable<step_result> session::advance_to_head() {
    for (;;) {
        if (auto end = interrupted()) co_return std::move(*end);
        const log& recent = parts_.source.recent();
        if (!recent.holds_all_since(position_.rev)) co_return end_reason::behind;
        if (recent.position() <= position_.rev) co_return end_reason::done;
        // What is planned looks into the log, which may drop it while we wait: a plan keeps what it needs alive.
        auto end = co_await apply_next(recent.after(position_.rev), recent.end(), recent.position());
        if (end.reason != end_reason::done) co_return end;
    }
}

aio::awaitable<step_result> session::follow() {
    for (;;) {
        auto end = co_await advance_to_head();
        if (end.reason != end_reason::done) co_return end;
        progressed_ = true;
        // A job done once takes over what was missed first: deletes that are seen as such are no matter for a guard.
        if (parts_.once && !compared_) co_return co_await begin_full_sync("asked for", proven_);
        if (parts_.once) co_return co_await finish();
        tell_of_master();
        end = co_await refresh_record();
        if (end.reason == end_reason::done) end = co_await rest_until_news();
        if (end.reason != end_reason::done) co_return end;
    }
}

aio::awaitable<step_result> session::finish() {
    parts_.report.enter(link_state::in_sync);
    // Nobody's any more: a daemon that comes next, or was held meanwhile, finds no rival here.
    position_.writer.clear();
    const batch nothing(parts_.limits);
    auto end = co_await commit(nothing);
    if (end.reason == end_reason::done) co_return end_reason::finished;
    co_return end;
}

aio::awaitable<step_result> session::refresh_record() {
    // Without this, a quiet slave beside a busy master would be found below the master's compaction one day.
    const bool moved = position_.rev != slave_->record().rev;
    if (!moved || parts_.with.clock.now() - last_commit_ < refresh_interval) co_return end_reason::done;
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

std::optional<step_result> session::broken() const {
    if (slave_->usable()) return std::nullopt;
    return step_result(end_reason::slave_failed, etcd::error(etcd::error_class::retry, slave_->kv().why_unusable()));
}

aio::awaitable<step_result> session::take_permit() {
    while (!permit_) {
        if (auto end = interrupted()) co_return std::move(*end);
        if (auto end = broken()) co_return std::move(*end);
        if (auto place = parts_.full_sync_permits.try_take()) {
            permit_.emplace(std::move(*place));
            break;
        }
        parts_.report.wait("waiting until other slaves are done");
        const auto look_again = last_contact_ + parts_.with.probe_interval;
        if (parts_.with.clock.now() < look_again) {
            co_await aio::wait_until(parts_.wake, parts_.with.clock, look_again);
        } else {
            auto end = co_await look_at_slave();
            if (end.reason != end_reason::done) co_return end;
        }
    }
    co_return end_reason::done;
}

aio::awaitable<step_result> session::look_at_slave() {
    const auto same = co_await slave_->undisturbed();
    if (!same) co_return step_result(end_reason::slave_failed, same.error());
    last_contact_ = parts_.with.clock.now();
    co_return *same ? end_reason::done : end_reason::restart;
}

aio::clock::time_point session::tell_of_master() {
    const master_status master = parts_.source.current();
    const auto silent_from = master.since + short_interruption;
    if (master.connected) {
        parts_.report.enter(link_state::in_sync);
    } else if (parts_.with.clock.now() >= silent_from) {
        parts_.report.wait("waiting for the master");
    } else {
        return silent_from;
    }
    return aio::clock::time_point::max();
}

aio::awaitable<step_result> session::rest_until_news() {
    const auto look_again = last_contact_ + parts_.with.probe_interval;
    for (;;) {
        if (auto end = interrupted()) co_return std::move(*end);
        if (auto end = broken()) co_return std::move(*end);
        if (parts_.better_endpoint) co_return end_reason::better_endpoint;
        if (parts_.source.recent().position() > position_.rev) co_return end_reason::done;
        if (parts_.with.clock.now() >= look_again) break;
        const auto until = std::min(look_again, tell_of_master());
        co_await aio::wait_until(parts_.wake, parts_.with.clock, until);
    }
    // Nothing happened for a while: is the slave still there, and the checkpoint as we left it?
    co_return co_await look_at_slave();
}

aio::awaitable<step_result> session::begin_full_sync(std::string reason, bool proven) {
    reason_ = std::move(reason);
    proven_ = proven;
    position_.cluster_id = parts_.source.cluster_id();
    position_.raft_term = parts_.source.raft_term();
    position_.pass = proven || parts_.guards.approved ? sync_pass::repair : sync_pass::count;
    position_.split = false;
    position_.frontier.clear();
    position_.event_revision = 0;
    position_.event_digest.clear();
    position_.witnesses.clear();
    position_.count.reset();
    compared_ = true;
    found_.emplace(parts_.keys.rules());
    budget_.reset();
    // Until something is written what the old record says is true, and it can prove more than one that begins anew.
    if (position_.pass == sync_pass::repair) co_return end_reason::done;
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

}  // namespace etcdsync::replication
