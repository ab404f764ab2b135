// SPDX-License-Identifier: Apache-2.0
#include "replication/session.hpp"

#include "replication/history.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// How often the stored position follows a position that moved without anything to write (design.md section 6, Link 7).
constexpr std::chrono::minutes refresh_interval{5};

/// A watch with nothing to say is silent for ten minutes: after this long the slave is compared instead.
constexpr std::chrono::seconds patience_with_silence{3};

net::channel_options catch_up_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 2U << 20;
    return options;
}

/// What a refused Txn says about the slave's limits. False: it is no matter of size.
bool learn_from(const etcd::error& refused, const batch& writes, txn_limits& limits) {
    constexpr unsigned least_ops = 4;
    constexpr std::size_t least_bytes = 4U << 10;
    if (refused.cls == etcd::error_class::too_many_ops && limits.max_ops > least_ops) {
        limits.max_ops = std::max(least_ops, limits.max_ops / 2);
        return true;
    }
    if (refused.cls == etcd::error_class::too_large && writes.writes().size() > 1 && limits.max_bytes > least_bytes) {
        limits.max_bytes = std::max(least_bytes, std::min(limits.max_bytes, writes.bytes()) / 2);
        return true;
    }
    return false;
}

}  // namespace

session::session(link_parts parts, applier& slave)
    : parts_(parts), slave_(&slave), generation_(parts.source.recent().generation()), last_commit_(parts.with.clock.now()) {}

std::optional<ending> session::interrupted() const {
    if (parts_.stopping) return ending::reason::stopped;
    if (parts_.source.recent().generation() != generation_) return ending::reason::begin_again;
    return std::nullopt;
}

std::optional<std::string> session::frontier() const {
    // While pruning, all keys are right already: only what is left over is still to go.
    if (position_.pass != sync_pass::repair) return std::nullopt;
    return position_.frontier;
}

aio::awaitable<ending> session::claim(checkpoint record, std::string reason) {
    reason_ = std::move(reason);
    position_ = std::move(record);
    resumed_pass_ = in_full_sync() && !position_.frontier.empty();
    parts_.report.status().applied = position_.rev;
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

aio::awaitable<ending> session::commit(const batch& writes) {
    if (parts_.stopping) co_return ending::reason::stopped;
    const auto committed = co_await slave_->commit(writes, position_, parts_.limits.max_ops);
    if (!committed) co_return ending(ending::reason::slave_failed, committed.error());
    if (!*committed) co_return ending::reason::begin_again;
    last_commit_ = parts_.with.clock.now();
    position_ = slave_->record();
    link_status& status = parts_.report.status();
    status.applied = position_.rev;
    status.progress.bytes += writes.bytes();
    for (const etcd::operation& write : writes.writes()) ++(write.type == etcd::event_type::put ? status.puts : status.deletes);
    co_return ending::reason::done;
}

aio::awaitable<ending> session::apply(const advance_plan& plan) {
    const checkpoint before = position_;
    position_.rev = plan.to;
    if (plan.event_revision > 0) {
        position_.event_revision = plan.event_revision;
        position_.event_digest = plan.event_digest;
    }
    if (plan.writes.empty()) {
        parts_.report.status().applied = position_.rev;
        co_return ending::reason::done;
    }
    auto end = co_await commit(plan.writes);
    if (end.why == ending::reason::slave_failed) {
        position_ = before;
        if (learn_from(end.what, plan.writes, parts_.limits)) co_return ending::reason::done;
    }
    co_return end;
}

aio::awaitable<ending> session::advance_to_head() {
    for (;;) {
        if (auto end = interrupted()) co_return std::move(*end);
        const log& recent = parts_.source.recent();
        if (!recent.holds_all_since(position_.rev)) co_return ending::reason::behind;
        if (recent.position() <= position_.rev) co_return ending::reason::done;
        const advance_plan plan =
            plan_advance(recent.after(position_.rev), recent.end(), recent.position(), parts_.keys, frontier(), parts_.limits);
        if (plan.too_big) co_return ending::reason::compare;
        auto end = co_await apply(plan);
        if (end.why != ending::reason::done) co_return end;
    }
}

aio::awaitable<ending> session::follow() {
    for (;;) {
        auto end = co_await advance_to_head();
        if (end.why != ending::reason::done) co_return end;
        parts_.report.enter(link_state::in_sync);
        end = co_await refresh_record();
        if (end.why == ending::reason::done) end = co_await rest_until_news();
        if (end.why != ending::reason::done) co_return end;
    }
}

aio::awaitable<ending> session::refresh_record() {
    // Without this, a quiet slave beside a busy master would be found below the master's compaction one day.
    const bool moved = position_.rev != slave_->record().rev;
    if (!moved || parts_.with.clock.now() - last_commit_ < refresh_interval) co_return ending::reason::done;
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

aio::awaitable<ending> session::rest_until_news() {
    const auto look_again = parts_.with.clock.now() + parts_.with.probe_interval;
    for (;;) {
        if (auto end = interrupted()) co_return std::move(*end);
        if (!slave_->usable()) {
            const etcd::error broken(etcd::error_class::retry, slave_->kv().peer().authority() + ": the connection broke");
            co_return ending(ending::reason::slave_failed, broken);
        }
        if (parts_.source.recent().position() > position_.rev) co_return ending::reason::done;
        if (parts_.with.clock.now() >= look_again) break;
        co_await aio::wait_until(parts_.wake, parts_.with.clock, look_again);
    }
    // Nothing happened for a while: is the slave still there, and the checkpoint as we left it?
    const auto same = co_await slave_->undisturbed();
    if (!same) co_return ending(ending::reason::slave_failed, same.error());
    co_return *same ? ending::reason::done : ending::reason::begin_again;
}

aio::awaitable<ending> session::replay(std::deque<log_entry>& waiting, revision end_position) {
    while (position_.rev < end_position) {
        if (auto end = interrupted()) co_return std::move(*end);
        const advance_plan plan = plan_advance(waiting.begin(), waiting.end(), end_position, parts_.keys, frontier(), parts_.limits);
        if (plan.too_big) co_return ending::reason::compare;
        auto end = co_await apply(plan);
        if (end.why != ending::reason::done) co_return end;
        while (!waiting.empty() && waiting.front().rev <= position_.rev) waiting.pop_front();
    }
    co_return ending::reason::done;
}

aio::awaitable<ending> session::catch_up() {
    const slots::place place = co_await parts_.places.take();
    // The log takes over: looked at and left in one turn of the loop.
    while (!parts_.source.recent().holds_all_since(position_.rev)) {
        if (auto end = interrupted()) co_return std::move(*end);
        parts_.report.enter(link_state::catching_up);
        auto end = co_await replay_missed();
        if (end.why != ending::reason::done) co_return end;
    }
    co_return ending::reason::done;
}

aio::awaitable<ending> session::replay_missed() {
    const net::channel_options options = catch_up_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return ending(ending::reason::master_away, channel.error());
    history::start from;
    from.known = position_.rev;
    from.last_event = position_.event_revision;
    from.event_digest = position_.event_digest;
    auto end = co_await replay_from(*channel, from);
    if (end.why == ending::reason::compare && from.last_event > 0 && position_.rev == from.known) {
        from.last_event = 0;  // E is compacted, but what follows on R may still be there
        end = co_await replay_from(*channel, from);
    }
    co_return end;
}

aio::awaitable<ending> session::replay_from(std::shared_ptr<net::channel> on, history::start from) {
    const mapping& keys = parts_.keys;
    history missed(std::move(on), parts_.with, parts_.master.request_timeout(), keys.cover(), from,
                   [&keys](std::string_view key) { return keys.rule_of(key).has_value(); });
    bool silent = false;
    std::optional<aio::alarm> patience;
    patience.emplace(parts_.with.clock, parts_.with.clock.now() + patience_with_silence, [&] {
        silent = true;
        missed.cancel();
    });
    std::deque<log_entry> waiting;
    for (;;) {
        if (auto end = interrupted()) co_return std::move(*end);
        const auto read = co_await missed.read(waiting);
        if (!read) {
            if (read.error().cls == etcd::error_class::other_history) co_return ending(ending::reason::begin_again, read.error());
            if (silent || read.error().cls == etcd::error_class::compacted) co_return ending(ending::reason::compare, read.error());
            co_return ending(ending::reason::master_away, read.error());
        }
        if (missed.position() == from.known) continue;
        patience.reset();
        if (position_.event_revision == from.last_event) position_.event_digest = missed.event_digest();
        auto end = co_await replay(waiting, missed.position());
        if (end.why != ending::reason::done) co_return end;
        if (parts_.source.recent().holds_all_since(position_.rev)) co_return ending::reason::done;
    }
}

aio::awaitable<ending> session::begin_full_sync(std::string reason) {
    reason_ = std::move(reason);
    position_.cluster_id = parts_.source.cluster_id();
    position_.raft_term = parts_.source.raft_term();
    position_.pass = sync_pass::repair;
    position_.frontier.clear();
    position_.event_revision = 0;
    position_.event_digest.clear();
    resumed_pass_ = false;
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

}  // namespace etcdsync::replication
