// SPDX-License-Identifier: Apache-2.0
#include "replication/record/proof.hpp"

#include "base/escape.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/master/replay.hpp"

#include <fmt/format.h>

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

/// Why the header of a linearizable response contradicts the checkpoint; empty: it does not.
std::string contradiction(const etcd::response_header& header, const checkpoint& record) {
    if (header.cluster_id != record.cluster_id) return "the master is another cluster";
    if (header.store_revision < record.rev) return "the master was wiped or restored";
    return {};
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

/// Proves the history by the current state of the anchors.
aio::awaitable<etcd::result<proof>> prove_by_anchors(etcd::kv master, const checkpoint& record) {
    proof out;
    for (const anchor& known : record.anchors) {
        etcd::range_query query;
        query.key = known.key;
        const auto page = co_await master.range(query);
        // The user may not read an anchor of a rule that was removed.
        if (!page && page.error().cls == etcd::error_class::denied) continue;
        if (!page) co_return page.error();
        // An anchor that was deleted or overwritten since proves nothing.
        if (page->kvs.empty() || page->kvs.front().mod_revision > record.rev) continue;
        if (!is_unchanged(known, page->kvs.front())) {
            out.found = proof::verdict::other;
            out.reason = fmt::format(
                "{}: the key {} is not what it was at revision {}: the master was wiped, restored or replaced",
                master.peer().name(), base::printable(known.key), record.rev);
            co_return out;
        }
        if (&known == &record.anchors.front()) out.found = proof::verdict::same;
    }
    co_return out;
}

}  // namespace

aio::awaitable<etcd::result<proof>> prove_by_state(etcd::kv master, const mapping& keys, const checkpoint& record,
                                                   std::string unproven_because) {
    auto out = co_await prove_by_anchors(master, record);
    if (!out || out->found == proof::verdict::other) co_return out;
    const auto unchanged = co_await find_unchanged(master, keys, record);
    if (!unchanged) co_return unchanged.error();
    if (*unchanged) {
        out->found = proof::verdict::same;
        out->unchanged_until = **unchanged;
    }
    if (out->found == proof::verdict::unproven) out->reason = std::move(unproven_because);
    co_return out;
}

aio::awaitable<etcd::result<std::optional<revision>>> find_unchanged(etcd::kv master, const mapping& keys,
                                                                     const checkpoint& record) {
    std::optional<revision> nothing;
    // A split revision is half applied: if the master's keys are unchanged since R, that says
    // nothing about the slave.
    if (!record.count || record.split || record.rules != keys.digest()) co_return nothing;
    revision at = 0;
    std::int64_t count = 0;
    for (const segment& part : keys.segments()) {
        const wire_range wire(part.source);
        etcd::range_query query;
        query.key = wire.key;
        query.range_end = wire.range_end;
        query.limit = 1;
        query.keys_only = true;
        query.newest_first = true;
        query.at = at;
        const auto page = co_await master.range(query);
        if (!page && !master.usable()) co_return page.error();
        if (!page) co_return nothing;  // too slow for the server, or compacted meanwhile: there are other proofs
        if (!page->kvs.empty() && page->kvs.front().mod_revision > record.rev) co_return nothing;
        count += page->count;
        if (at == 0) at = page->header.store_revision;
    }
    if (count != *record.count || at < record.rev) co_return nothing;
    co_return std::optional<revision>(at);
}

aio::awaitable<etcd::result<std::optional<std::int64_t>>> count_keys(etcd::kv from, const mapping& keys, revision at) {
    std::optional<std::int64_t> total;
    if (keys.segments().size() > most_segments_to_count) co_return total;
    total = 0;
    for (const segment& part : keys.segments()) {
        const wire_range wire(part.source);
        etcd::range_query query;
        query.key = wire.key;
        query.range_end = wire.range_end;
        query.count_only = true;
        query.at = at;
        const auto page = co_await from.range(query);
        if (!page) co_return page.error();
        *total += page->count;
    }
    co_return total;
}

namespace {

/// prove_history(), after a linearizable response with the header `now`.
aio::awaitable<etcd::result<proof>> prove_since(std::shared_ptr<net::channel> on, const context& with,
                                                aio::clock::duration timeout, const mapping& keys,
                                                const checkpoint& record, etcd::response_header now) {
    proof out;
    out.reason = contradiction(now, record);
    if (!out.reason.empty()) {
        out.found = proof::verdict::other;
        co_return out;
    }
    if (record.rules != keys.digest()) {
        out.reason = "the rules changed";
    } else if (record.event_revision == 0 || record.event_digest.empty()) {
        out.reason = "no revision is known that would prove the master's history";
    } else {
        replay::start from;
        from.known = record.rev;
        from.last_event = record.event_revision;
        from.event_digest = record.event_digest;
        selection of = selected_by(keys);
        auto replayed = co_await prove_by_replay(on, with, timeout, std::move(of), std::move(from));
        if (!replayed || replayed->found != proof::verdict::unproven) co_return replayed;
        out.reason = std::move(replayed->reason);
    }
    const etcd::kv kv(on, with.clock, timeout);
    co_return co_await prove_by_state(kv, keys, record, out.reason);
}

}  // namespace

aio::awaitable<etcd::result<proof>> prove_history(std::shared_ptr<net::channel> on, const context& with,
                                                  aio::clock::duration timeout, const mapping& keys,
                                                  const checkpoint& record) {
    etcd::kv kv(on, with.clock, timeout);
    const etcd::range_query query = probe_query(keys.cover());
    const auto page = co_await kv.range(query);
    if (!page) co_return page.error();
    auto out = co_await prove_since(on, with, timeout, keys, record, page->header);
    if (out && out->found == proof::verdict::other)
        out->reason += co_await compared_numbers(kv, keys, record, page->header);
    co_return out;
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
