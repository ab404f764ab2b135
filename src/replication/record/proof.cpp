// SPDX-License-Identifier: Apache-2.0
#include "replication/record/proof.hpp"

#include "replication/mapping/queries.hpp"
#include "replication/master/replay.hpp"
#include "replication/record/anchor_proof.hpp"
#include "replication/record/current_state.hpp"
#include "replication/record/raft_reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// Only the digest is needed: what is read is dropped at once.
constexpr std::size_t largest_kept = 256U << 10;

/// The keys of the master that `keys`, which must outlive the result, takes.
selection selected_by(const mapping& keys) {
    return {keys.cover(), [&keys](std::string_view key) { return keys.rule_of(key).has_value(); }};
}

/// Reads until E's events are read and compared, and returns their digest.
aio::awaitable<etcd::result<std::string>> replay_proof_events(std::shared_ptr<net::channel> on, const context& with,
                                                              aio::clock::duration timeout, selection of,
                                                              replay::start from) {
    replay source(std::move(on), with, timeout, of.cover, from, of.selects, largest_kept);
    std::deque<log_entry> unused;
    while (!source.proved()) {
        const auto read = co_await source.read(unused);
        if (!read) co_return read.error();
        unused.clear();
    }
    co_return source.event_digest();
}

/// What the header of a linearizable response says: unproven, unless it contradicts the checkpoint.
proof judge(const etcd::response_header& header, const checkpoint& record, revision at_least) {
    proof out;
    if (record.cluster_id != 0 && header.cluster_id != record.cluster_id) {
        out.found = proof::verdict::other_cluster;
        out.reason = "the master is another cluster";
    } else if (header.store_revision < std::max(record.rev, at_least)) {
        out.found = proof::verdict::other;
        out.reason = "the master was wiped or restored";
    } else if (record.other) {
        out.found = proof::verdict::other;
        out.reason =
            "the master has had another history than the one this slave was copied from: it was wiped, restored or "
            "replaced, and may look right again";
    }
    return out;
}

/// What a master with another history has, and what the checkpoint describes. With the numbers of keys if both are known.
aio::awaitable<std::string> compared_numbers(etcd::kv master, const mapping& keys, const checkpoint& record,
                                             etcd::response_header now) {
    std::string keys_now;
    std::string keys_then;
    if (record.count && record.rules == keys.digest()) {
        const auto total = co_await count_keys(master, keys, 0);
        if (total && *total) {
            keys_now = fmt::format(", keys {}", **total);
            keys_then = fmt::format(", keys {}", *record.count);
        }
    }
    co_return fmt::format(" (master now: cluster {:x}, revision {}{}; checkpoint: cluster {:x}, revision {}{})",
                          now.cluster_id, now.store_revision, keys_now, record.cluster_id, record.rev, keys_then);
}

/// Proves the history by E's events. Unproven if they are compacted.
aio::awaitable<etcd::result<proof>> prove_by_replay(std::shared_ptr<net::channel> on, const context& with,
                                                    aio::clock::duration timeout, selection of, replay::start from) {
    proof out;
    const auto seen = co_await replay_proof_events(std::move(on), with, timeout, std::move(of), std::move(from));
    if (seen) {
        out.found = proof::verdict::same;
        co_return out;
    }
    const etcd::error& why = seen.error();
    out.reason = why.text;
    if (why.cls == etcd::error_class::other_history) {
        out.found = proof::verdict::other;
        out.reason += ": the master was wiped, restored or replaced";
    } else if (why.cls != etcd::error_class::compacted) {
        co_return why;
    }
    co_return out;
}

/// Proves the history by E: its events, or what is left of them in the current state. Unproven with a reason if neither does.
/// `by_anchor`: an anchor proves it, if the events are compacted.
aio::awaitable<etcd::result<proof>> prove_by_event(const proof_request& ask, bool by_anchor) {
    proof out;
    const checkpoint& record = ask.record;
    if (record.rules != ask.keys.digest()) {
        out.reason = "the rules changed";
        co_return out;
    }
    if (record.event_revision == 0 || record.event_digest.empty()) {
        out.reason = "no revision is known that would prove the master's history";
        co_return out;
    }
    out.reason = ask.compacted;
    if (out.reason.empty()) {
        replay::start from;
        from.known = record.rev;
        from.last_event = record.event_revision;
        from.event_digest = record.event_digest;
        selection of = selected_by(ask.keys);
        auto replayed = co_await prove_by_replay(ask.on, ask.with, ask.timeout, std::move(of), std::move(from));
        if (!replayed || replayed->found != proof::verdict::unproven) co_return replayed;
        out = *std::move(replayed);
    }
    if (by_anchor) {
        out.found = proof::verdict::same;
        co_return out;
    }
    const etcd::kv master(ask.on, ask.with.clock, ask.timeout);
    const auto has_events = co_await has_events_in_state(master, ask.keys, record);
    if (!has_events) co_return has_events.error();
    if (*has_events) out.found = proof::verdict::same;
    co_return out;
}

/// The signs of design.md section 6.4 in their order, after a linearizable response with the header `now`.
aio::awaitable<etcd::result<proof>> weigh_signs(const proof_request& ask, etcd::response_header now) {
    const checkpoint& record = ask.record;
    proof out = judge(now, record, ask.at_least);
    if (out.is_contradiction()) co_return out;
    const auto raft = co_await read_raft_position(ask.on, ask.with, ask.timeout, ask.keys.cover(), record.raft);
    if (!raft) co_return raft.error();
    const etcd::kv master(ask.on, ask.with.clock, ask.timeout);
    const auto anchors = co_await compare_anchors(master, record.anchors);
    if (!anchors) co_return anchors.error();
    out.reason = raft->contradiction.empty() ? anchors->contradiction : raft->contradiction;
    out.raft = raft->lowest;
    if (!out.reason.empty()) {
        out.found = proof::verdict::other;
        co_return out;
    }
    const bool by_anchor = record.event_revision > 0 && anchors->proven_until >= record.event_revision;
    auto by_event = co_await prove_by_event(ask, by_anchor);
    if (!by_event) co_return by_event;
    out = *std::move(by_event);
    out.seen = now.store_revision;
    out.raft = raft->lowest;
    if (by_anchor && out.found == proof::verdict::unproven) out.found = proof::verdict::same;
    out.continuous = out.found == proof::verdict::unproven && anchors->any_survives && raft->lowest.known();
    co_return out;
}

/// Adds to a proof by the current state whether the selected keys changed.
aio::awaitable<etcd::result<proof>> with_unchanged(const proof_request& ask, proof by_state) {
    const etcd::kv master(ask.on, ask.with.clock, ask.timeout);
    const auto unchanged = co_await find_unchanged(master, ask.keys, ask.record);
    if (!unchanged) co_return unchanged.error();
    by_state.unchanged_until = unchanged->value_or(0);
    co_return by_state;
}

}  // namespace

aio::awaitable<etcd::result<proof>> prove_history(const proof_request& ask) {
    etcd::kv master(ask.on, ask.with.clock, ask.timeout);
    const etcd::range_query query = probe_query(ask.keys.cover());
    const auto page = co_await master.range(query);
    if (!page) co_return page.error();
    auto out = co_await weigh_signs(ask, page->header);
    if (!out) co_return out;
    if (out->is_contradiction()) out->reason += co_await compared_numbers(master, ask.keys, ask.record, page->header);
    const bool by_replay = out->reason.empty();
    if (out->found != proof::verdict::same || by_replay) co_return out;
    out->reason.clear();
    co_return co_await with_unchanged(ask, *out);
}

aio::awaitable<std::string> read_event_digest(std::shared_ptr<net::channel> on, const context& with,
                                              aio::clock::duration timeout, const mapping& keys, revision rev) {
    replay::start from;
    from.known = rev;
    from.last_event = rev;
    selection of = selected_by(keys);
    const auto seen = co_await replay_proof_events(std::move(on), with, timeout, std::move(of), std::move(from));
    if (!seen) co_return std::string();
    co_return *seen;
}

aio::awaitable<etcd::result<proof>> prove_by_feed(std::shared_ptr<net::channel> on, const context& with,
                                                  aio::clock::duration timeout, proof_event read, revision position) {
    proof out;
    if (read.rev == 0) {
        out.reason = "the feed has read no event";
        co_return out;
    }
    replay::start from;
    from.known = position;
    from.last_event = read.rev;
    from.event_digest = read.digest;
    selection of = *read.selected;
    auto replayed = co_await prove_by_replay(std::move(on), with, timeout, std::move(of), std::move(from));
    if (replayed || replayed.error().cls != etcd::error_class::denied) co_return replayed;
    out.reason = replayed.error().text;
    co_return out;
}

}  // namespace etcdsync::replication
