// SPDX-License-Identifier: Apache-2.0
#include "replication/link/catch_up.hpp"

#include "replication/link/pass_position.hpp"
#include "replication/link/same_master.hpp"
#include "replication/link/take_permit.hpp"
#include "replication/record/proof.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace etcdsync::replication {
namespace {

/// A watch from a revision with events answers at once; one without events is silent for ten minutes.
constexpr std::chrono::seconds patience_with_silence{10};

/// A revision that fits in one Txn must be held as a whole, however small the memory limit: this much it takes.
constexpr std::size_t least_to_hold = 2U << 20;

net::channel_options catch_up_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 2U << 20;
    return options;
}

step_result replay_failed(const etcd::error& why) {
    switch (why.cls) {
        case etcd::error_class::other_history: return step_result(end_reason::restart, why);
        case etcd::error_class::watch_violation: return step_result(end_reason::watch_violated, why);
        case etcd::error_class::compacted: return step_result(end_reason::compare, why);
        default: return step_result(end_reason::master_away, why);
    }
}

}  // namespace

bool catch_up::log_takes_over() const {
    return position_.rev >= advancer_->replay_until() && parts_.log_reaches(position_.rev);
}

aio::awaitable<step_result> catch_up::run() {
    std::optional<permits::permit> permit;
    auto waited = co_await take_permit(*session_, parts_.catch_up_permits, permit);
    if (waited.reason != end_reason::done) co_return waited;
    // The log takes over within one turn of the loop: nothing runs between the look and the return.
    while (!log_takes_over()) {
        if (auto end = session_->interrupted()) co_return std::move(*end);
        parts_.report.enter(link_state::catching_up);
        auto end = co_await replay_missed();
        if (end.reason != end_reason::done) co_return end;
    }
    co_return end_reason::done;
}

aio::awaitable<step_result> catch_up::replay_missed() {
    const net::channel_options options = catch_up_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return step_result(end_reason::master_away, channel.error());
    replay::start from;
    from.known = position_.rev;
    from.last_event = position_.event_revision;
    from.event_digest = position_.event_digest;
    from.patience = patience_with_silence;
    auto end = co_await replay_from(*channel, from);
    if (end.reason == end_reason::compare && from.last_event > 0 && position_.rev == from.known) {
        // E is compacted, but the revisions after R may still be there, if it is the same master.
        const auto now = co_await prove_by_state(*channel, end.error.text);
        if (!now) co_return step_result(end_reason::master_away, now.error());
        if (now->is_contradiction()) co_return end_reason::restart;
        from.last_event = 0;
        end = co_await replay_from(*channel, from);
    }
    if (end.reason == end_reason::master_away) parts_.master.avoid((*channel)->peer());
    co_return end;
}

aio::awaitable<step_result> catch_up::replay_from(std::shared_ptr<net::channel> on, replay::start from) {
    const mapping& keys = parts_.keys;
    replay missed(
        std::move(on), parts_.with, parts_.master.request_timeout(), keys.cover(), from,
        [&keys](std::string_view key) { return keys.rule_of(key).has_value(); },
        std::max(2 * parts_.page_bytes, least_to_hold));
    std::deque<log_entry> waiting;
    for (;;) {
        if (auto end = session_->interrupted()) co_return std::move(*end);
        const auto read = co_await missed.read(waiting);
        if (!read && missed.was_silent()) {
            // What arrived so far is applied. If nothing arrived: a watch at a known E should have answered.
            if (missed.position() > from.known) co_return end_reason::done;
            const end_reason why = from.last_event > 0 ? end_reason::master_away : end_reason::compare;
            co_return step_result(why, read.error());
        }
        if (!read) co_return replay_failed(read.error());
        if (waiting.empty() && missed.position() == from.known) continue;
        if (position_.event_revision == from.last_event) position_.event_digest = missed.event_digest();
        auto end = co_await apply_waiting(waiting, missed.position());
        // A value that the slave rejects stays in the history; the master's current state may no longer have it.
        if (end.reason == end_reason::slave_failed && end.error.cls == etcd::error_class::too_large)
            co_return step_result(end_reason::compare, end.error);
        if (end.reason != end_reason::done) co_return end;
        if (log_takes_over()) co_return end_reason::done;
    }
}

aio::awaitable<step_result> catch_up::apply_waiting(std::deque<log_entry>& waiting, revision end_position) {
    const auto is_part = [](const log_entry& entry) { return entry.more_follows; };
    for (;;) {
        if (auto end = session_->interrupted()) co_return std::move(*end);
        while (!waiting.empty() && waiting.front().rev <= position_.rev) waiting.pop_front();
        if (!waiting.empty() && waiting.front().more_follows) {
            auto end = co_await advancer_->apply_part(waiting.front());
            if (end.reason != end_reason::done) co_return end;
            waiting.pop_front();
            continue;
        }
        const auto stop = std::find_if(waiting.cbegin(), waiting.cend(), is_part);
        const revision known = stop == waiting.cend() ? end_position : std::prev(stop)->rev;
        if (position_.rev >= known) co_return end_reason::done;
        auto end = co_await advancer_->apply_next(waiting.cbegin(), stop, known);
        if (end.reason != end_reason::done) co_return end;
    }
}

aio::awaitable<etcd::result<proof>> catch_up::prove_by_state(std::shared_ptr<net::channel> on, std::string compacted) {
    const proof_request ask{on,
                            parts_.with,
                            parts_.master.request_timeout(),
                            parts_.keys,
                            position_,
                            parts_.source.seen(),
                            std::move(compacted)};
    auto by_state = co_await prove_history(ask);
    auto proved = co_await compare_with_feed(on, parts_, std::move(by_state));
    if (proved && proved->is_contradiction()) parts_.master.avoid(on->peer());
    co_return proved;
}

aio::awaitable<step_result> catch_up::outlive_compaction(etcd::error why) {
    const net::channel_options options = catch_up_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return step_result(end_reason::master_away, channel.error());
    const auto now = co_await prove_by_state(*channel, why.text);
    if (!now) {
        parts_.master.avoid((*channel)->peer());
        co_return step_result(end_reason::master_away, now.error());
    }
    if (auto end = session_->interrupted()) co_return std::move(*end);
    if (now->is_contradiction()) co_return end_reason::restart;
    // If the state proves nothing, what was proven at the start holds: the feed has watched this master since then.
    bool& proven = session_->history().proven;
    proven = now->found == proof::verdict::same || (proven && parts_.source.connected());
    if (!in_full_sync(position_)) session_->history().known_until = now->continuous && !proven ? position_.rev : 0;
    if (now->unchanged_until == 0) co_return step_result(end_reason::compare, why);
    move_unchanged(position_, now->unchanged_until);
    parts_.source.note_seen(position_.rev);
    co_return end_reason::done;
}

}  // namespace etcdsync::replication
