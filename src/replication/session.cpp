// SPDX-License-Identifier: Apache-2.0
#include "replication/session.hpp"

#include "base/escape.hpp"
#include "base/text.hpp"
#include "replication/proof.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace etcdsync::replication {
namespace {

/// A watch from a revision with events answers at once; one with nothing to say is silent for ten minutes. This long is waited:
/// longer than `history` waits for what has to come at once.
constexpr std::chrono::seconds patience_with_silence{10};

/// Below this a Txn says nothing of how much the slave can take in time.
constexpr std::size_t large = 128U << 10;

bool is_large(const batch& writes) { return writes.bytes() > large; }

/// A master that is away for less is not told of.
constexpr std::chrono::seconds short_interruption{1};

/// A revision that fits in one Txn must be held whole, however small the memory: so much it takes.
constexpr std::size_t least_to_hold = 2U << 20;

net::channel_options catch_up_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 2U << 20;
    return options;
}

}  // namespace

bool learn_from(const etcd::error& refused, const batch& writes, txn_limits& limits) {
    constexpr unsigned least_ops = 4;
    constexpr std::size_t least_bytes = 4U << 10;
    if (refused.cls == etcd::error_class::too_many_ops && limits.max_ops > least_ops) {
        limits.max_ops = std::max(least_ops, limits.max_ops / 2);
        return true;
    }
    if (refused.cls == etcd::error_class::too_large && writes.writes().size() == 1)
        limits.refused = std::min(limits.refused, writes.bytes());
    if (refused.cls != etcd::error_class::too_large || writes.writes().size() < 2) return false;
    if (writes.bytes() > limits.max_bytes) {
        limits.max_revision_bytes = limits.max_bytes;
        return true;
    }
    if (limits.max_bytes <= least_bytes) return false;
    limits.max_bytes = std::max(least_bytes, writes.bytes() / 2);
    limits.max_revision_bytes = limits.max_bytes;
    return true;
}

void learn_from_silence(const batch& writes, txn_limits& limits) {
    constexpr unsigned tries_of_a_revision = 3;
    if (!is_large(writes)) return;
    const std::size_t half = std::max(large, writes.bytes() / 2);
    ++limits.unanswered;
    limits.max_bytes = std::min(limits.max_bytes, half);
    if (limits.unanswered >= tries_of_a_revision) limits.max_revision_bytes = std::min(limits.max_revision_bytes, half);
}

etcd::error name_the_key(etcd::error refused, const batch& writes) {
    if (refused.cls != etcd::error_class::too_large || writes.writes().size() != 1) return refused;
    const etcd::operation& write = writes.writes().front();
    refused.text += fmt::format(": the key {} with a value of {}", base::printable(write.key),
                                base::format_bytes(write.value.size()));
    return refused;
}

session::session(link_parts parts, applier& slave)
    : parts_(parts), slave_(&slave), generation_(parts.source.recent().generation()),
      continuity_(parts.source.continuity()), last_commit_(parts.with.clock.now()), last_contact_(last_commit_) {}

std::optional<ending> session::interrupted() const {
    if (parts_.stopping) return ending::reason::stopped;
    if (parts_.source.recent().generation() != generation_) return ending::reason::begin_again;
    // A watch of the feed was opened without proof: it may be another master's.
    if (parts_.source.continuity() != continuity_) return ending::reason::begin_again;
    return std::nullopt;
}

std::optional<std::string> session::frontier() const {
    // While pruning, all keys are right already: only what is left over is still to go.
    if (position_.pass == sync_pass::count) return std::string();
    if (position_.pass != sync_pass::repair) return std::nullopt;
    return position_.frontier;
}

aio::awaitable<ending> session::claim(checkpoint record, std::string reason, bool proven) {
    reason_ = std::move(reason);
    proven_ = proven;
    position_ = std::move(record);
    position_.writer = parts_.with.writer;
    if (nothing_below_frontier()) found_.emplace(parts_.keys.rules());
    compared_ = in_full_sync();
    if (parts_.by.claims_all) claim_all();
    if (tells_applied()) parts_.report.status().applied = position_.rev;
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

void session::claim_all() {
    for (span& s : position_.spans) s.since = 0;
}

aio::awaitable<ending> session::commit(const batch& writes) {
    // What was read of a master that is no more the one it was is not sent.
    if (auto end = interrupted()) co_return std::move(*end);
    const auto committed = co_await slave_->commit(writes, position_, parts_.limits.max_ops);
    if (!committed) {
        const bool slow = committed.error().cls == etcd::error_class::ambiguous && slave_->usable();
        if (slow) learn_from_silence(writes, parts_.limits);
        co_return ending(ending::reason::slave_failed, name_the_key(committed.error(), writes));
    }
    if (is_large(writes)) parts_.limits.unanswered = 0;
    if (!*committed) co_return ending::reason::begin_again;
    last_commit_ = parts_.with.clock.now();
    last_contact_ = last_commit_;
    position_ = slave_->record();
    if (!writes.empty()) progressed_ = true;
    link_status& status = parts_.report.status();
    if (tells_applied()) status.applied = position_.rev;
    status.progress.bytes += writes.bytes();
    for (const etcd::operation& write : writes.writes())
        ++(write.type == etcd::event_type::put ? status.puts : status.deletes);
    co_return ending::reason::done;
}

aio::awaitable<ending> session::advance_to_head() {
    for (;;) {
        if (auto end = interrupted()) co_return std::move(*end);
        const log& recent = parts_.source.recent();
        if (!recent.holds_all_since(position_.rev)) co_return ending::reason::behind;
        if (recent.position() <= position_.rev) co_return ending::reason::done;
        // What is planned looks into the log, which may drop it while we wait: a plan keeps what it needs alive.
        auto end = co_await apply_next(recent.after(position_.rev), recent.end(), recent.position());
        if (end.why != ending::reason::done) co_return end;
    }
}

aio::awaitable<ending> session::follow() {
    for (;;) {
        auto end = co_await advance_to_head();
        if (end.why != ending::reason::done) co_return end;
        progressed_ = true;
        // A job done once takes over what was missed first: deletes that are seen as such are no matter for a guard.
        if (parts_.once && !compared_) co_return co_await begin_full_sync("asked for", proven_);
        if (parts_.once) co_return co_await finish();
        tell_of_master();
        end = co_await refresh_record();
        if (end.why == ending::reason::done) end = co_await rest_until_news();
        if (end.why != ending::reason::done) co_return end;
    }
}

aio::awaitable<ending> session::finish() {
    parts_.report.enter(link_state::in_sync);
    // Nobody's any more: a daemon that comes next, or was held meanwhile, finds no rival here.
    position_.writer.clear();
    const batch nothing(parts_.limits);
    auto end = co_await commit(nothing);
    if (end.why == ending::reason::done) co_return ending::reason::finished;
    co_return end;
}

aio::awaitable<ending> session::refresh_record() {
    // Without this, a quiet slave beside a busy master would be found below the master's compaction one day.
    const bool moved = position_.rev != slave_->record().rev;
    if (!moved || parts_.with.clock.now() - last_commit_ < refresh_interval) co_return ending::reason::done;
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

std::optional<ending> session::broken() const {
    if (slave_->usable()) return std::nullopt;
    return ending(ending::reason::slave_failed,
                  etcd::error(etcd::error_class::retry, slave_->kv().peer().authority() + ": the connection broke"));
}

aio::awaitable<ending> session::take_place() {
    while (!place_) {
        if (auto end = interrupted()) co_return std::move(*end);
        if (auto end = broken()) co_return std::move(*end);
        if (auto place = parts_.places.try_take()) {
            place_.emplace(std::move(*place));
            break;
        }
        parts_.report.wait("waiting until other slaves are done");
        const auto look_again = last_contact_ + parts_.with.probe_interval;
        if (parts_.with.clock.now() < look_again) {
            co_await aio::wait_until(parts_.wake, parts_.with.clock, look_again);
        } else {
            auto end = co_await look_at_slave();
            if (end.why != ending::reason::done) co_return end;
        }
    }
    co_return ending::reason::done;
}

aio::awaitable<ending> session::look_at_slave() {
    const auto same = co_await slave_->undisturbed();
    if (!same) co_return ending(ending::reason::slave_failed, same.error());
    last_contact_ = parts_.with.clock.now();
    co_return *same ? ending::reason::done : ending::reason::begin_again;
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

aio::awaitable<ending> session::rest_until_news() {
    const auto look_again = last_contact_ + parts_.with.probe_interval;
    for (;;) {
        if (auto end = interrupted()) co_return std::move(*end);
        if (auto end = broken()) co_return std::move(*end);
        if (parts_.source.recent().position() > position_.rev) co_return ending::reason::done;
        if (parts_.with.clock.now() >= look_again) break;
        const auto until = std::min(look_again, tell_of_master());
        co_await aio::wait_until(parts_.wake, parts_.with.clock, until);
    }
    // Nothing happened for a while: is the slave still there, and the checkpoint as we left it?
    co_return co_await look_at_slave();
}

aio::awaitable<ending> session::replay(std::deque<log_entry>& waiting, revision end_position) {
    const auto is_part = [](const log_entry& entry) { return entry.goes_on; };
    for (;;) {
        if (auto end = interrupted()) co_return std::move(*end);
        while (!waiting.empty() && waiting.front().rev <= position_.rev) waiting.pop_front();
        if (!waiting.empty() && waiting.front().goes_on) {
            auto end = co_await apply_part(waiting.front());
            if (end.why != ending::reason::done) co_return end;
            waiting.pop_front();
            continue;
        }
        const auto stop = std::find_if(waiting.cbegin(), waiting.cend(), is_part);
        const revision known = stop == waiting.cend() ? end_position : std::prev(stop)->rev;
        if (position_.rev >= known) co_return ending::reason::done;
        auto end = co_await apply_next(waiting.cbegin(), stop, known);
        if (end.why != ending::reason::done) co_return end;
    }
}

aio::awaitable<ending> session::catch_up() {
    const own_place scope(place_);
    auto waited = co_await take_place();
    if (waited.why != ending::reason::done) co_return waited;
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
        // E is compacted, but what follows on R may still be there: if it is the same master's.
        const etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
        const auto now = co_await prove_by_state(master, parts_.keys, position_, end.what.text);
        if (!now) co_return ending(ending::reason::master_away, now.error());
        if (now->found == proof::verdict::other) co_return ending::reason::begin_again;
        from.last_event = 0;
        end = co_await replay_from(*channel, from);
    }
    if (end.why == ending::reason::master_away) parts_.master.avoid((*channel)->peer());
    co_return end;
}

aio::awaitable<ending> session::replay_from(std::shared_ptr<net::channel> on, history::start from) {
    const mapping& keys = parts_.keys;
    history missed(
        std::move(on), parts_.with, parts_.master.request_timeout(), keys.cover(), from,
        [&keys](std::string_view key) { return keys.rule_of(key).has_value(); },
        std::max(2 * parts_.page_bytes, least_to_hold));
    std::deque<log_entry> waiting;
    for (;;) {
        if (auto end = interrupted()) co_return std::move(*end);
        bool silent = false;
        auto limit =
            std::make_unique<aio::alarm>(parts_.with.clock, parts_.with.clock.now() + patience_with_silence, [&] {
                silent = true;
                missed.cancel();
            });
        const auto read = co_await missed.read(waiting);
        limit.reset();
        if (!read && silent && read.error().cls == etcd::error_class::cancelled) {
            // What came so far is applied; where nothing came, a known E should have answered.
            if (missed.position() > from.known) co_return ending::reason::done;
            co_return ending(from.last_event > 0 ? ending::reason::master_away : ending::reason::compare, read.error());
        }
        if (!read) co_return replay_failed(read.error());
        if (waiting.empty() && missed.position() == from.known) continue;
        if (position_.event_revision == from.last_event) position_.event_digest = missed.event_digest();
        auto end = co_await replay(waiting, missed.position());
        // What the slave does not take stands in the history for ever. In the master's present state it may be gone.
        if (end.why == ending::reason::slave_failed && end.what.cls == etcd::error_class::too_large)
            co_return ending(ending::reason::compare, end.what);
        if (end.why != ending::reason::done) co_return end;
        const bool far_enough = position_.rev >= replay_until_;
        if (far_enough && parts_.source.recent().holds_all_since(position_.rev)) co_return ending::reason::done;
    }
}

aio::awaitable<ending> session::replay_up_to(revision rev) {
    const own_place scope(place_);
    auto end = co_await take_place();
    if (end.why != ending::reason::done) co_return end;
    parts_.report.enter(link_state::catching_up);
    replay_until_ = rev;
    end = co_await replay_missed();
    replay_until_ = 0;
    co_return end;
}

ending session::replay_failed(const etcd::error& why) {
    switch (why.cls) {
        case etcd::error_class::other_history: return ending(ending::reason::begin_again, why);
        case etcd::error_class::broken_contract:
        case etcd::error_class::compacted: return ending(ending::reason::compare, why);
        default: return ending(ending::reason::master_away, why);
    }
}

aio::awaitable<ending> session::outlive_compaction(etcd::error why) {
    const net::channel_options options = catch_up_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return ending(ending::reason::master_away, channel.error());
    const etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
    const auto now = co_await prove_by_state(master, parts_.keys, position_, why.text);
    if (!now) {
        parts_.master.avoid((*channel)->peer());
        co_return ending(ending::reason::master_away, now.error());
    }
    if (auto end = interrupted()) co_return std::move(*end);
    if (now->found == proof::verdict::other) co_return ending::reason::begin_again;
    // Where the state tells nothing, what was proved at the start holds: the feed watches this master since then.
    proven_ = now->found == proof::verdict::same || (proven_ && parts_.source.connected());
    if (now->unchanged_until == 0) co_return ending(ending::reason::compare, why);
    position_.rev = std::max(position_.rev, now->unchanged_until);
    co_return ending::reason::done;
}

aio::awaitable<ending> session::begin_full_sync(std::string reason, bool proven) {
    reason_ = std::move(reason);
    proven_ = proven;
    position_.cluster_id = parts_.source.cluster_id();
    position_.raft_term = parts_.source.raft_term();
    position_.pass = proven || parts_.by.approved ? sync_pass::repair : sync_pass::count;
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
    if (position_.pass == sync_pass::repair) co_return ending::reason::done;
    const batch nothing(parts_.limits);
    co_return co_await commit(nothing);
}

}  // namespace etcdsync::replication
