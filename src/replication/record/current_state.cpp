// SPDX-License-Identifier: Apache-2.0
#include "replication/record/current_state.hpp"

#include "replication/mapping/queries.hpp"
#include "replication/master/revision_assembler.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// The digest of the selected keys that still have E as their mod_revision. Nothing if that takes too many requests, or is
/// refused: there are other proofs.
aio::awaitable<etcd::result<std::optional<std::string>>> digest_of_state(etcd::kv master, const mapping& keys,
                                                                         revision event_revision) {
    std::optional<std::string> out;
    const std::vector<segment>& segments = keys.segments();
    if (segments.size() > most_segments_to_count) co_return out;
    event_digest digest;
    bool any = false;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const wire_range wire(segments[i].source);
        etcd::range_query query;
        query.key = wire.key;
        query.range_end = wire.range_end;
        query.modified_at = event_revision;
        const auto page = co_await master.range(query);
        if (!page && !master.usable()) co_return page.error();
        if (!page) co_return out;
        for (const etcd::key_value& kv : page->kvs) {
            const auto has_it = [&kv](const segment& part) { return part.source.contains(kv.key); };
            const bool seen = std::any_of(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(i), has_it);
            if (seen || !keys.rule_of(kv.key)) continue;
            etcd::event put;
            put.kv = kv;
            digest.add(put);
            any = true;
        }
    }
    if (any) out = digest.hex();
    co_return out;
}

}  // namespace

aio::awaitable<etcd::result<bool>> has_events_in_state(etcd::kv master, const mapping& keys, const checkpoint& record) {
    if (record.event_revision == 0 || record.event_digest.empty() || record.rules != keys.digest()) co_return false;
    const auto digest = co_await digest_of_state(std::move(master), keys, record.event_revision);
    if (!digest) co_return digest.error();
    co_return *digest == record.event_digest;
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

}  // namespace etcdsync::replication
