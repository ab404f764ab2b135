// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/advance.hpp"

#include "replication/master/revision_assembler.hpp"

#include <boost/assert.hpp>

#include <utility>

namespace etcdsync::replication {
namespace {

/// Records E: the newest revision with events of the slave's rules, and their digest.
void record_newest_event(checkpoint& record, const std::vector<mapped_revision>& revisions) {
    for (auto at = revisions.rbegin(); at != revisions.rend(); ++at) {
        // The last part of a revision that was too large to keep has only some of that revision's
        // events.
        if (at->entry->is_tail || at->changes.empty()) continue;
        event_digest digest;
        for (const mapped_change& change : at->changes) digest.add(*change.event);
        record.event_revision = at->entry->rev;
        record.event_digest = digest.hex();
        return;
    }
}

std::int64_t count_change(const etcd::event& change, const mapping& keys) {
    const bool created = change.type == etcd::event_type::put && change.kv.create_revision == change.kv.mod_revision;
    const bool removed = change.type == etcd::event_type::remove;
    if (!created && !removed) return 0;
    std::int64_t segments = 0;
    for (const segment& part : keys.segments()) segments += part.source.contains(change.kv.key) ? 1 : 0;
    return created ? segments : -segments;
}

}  // namespace

advance_plan plan_advance(entry_iterator first, entry_iterator last, revision end, const mapping& keys,
                          const std::optional<std::string>& frontier, const txn_limits& limits) {
    advance_plan plan(limits);
    for (; first != last; ++first) {
        if (first->mass_delete) break;
        mapped_revision next = map_revision(*first, keys);
        if (!plan.writes.add(next, keys, frontier)) break;
        plan.revisions.push_back(std::move(next));
        plan.to = first->rev;
    }
    if (first == last) {
        plan.to = end;
    } else if (plan.to == 0) {
        plan.too_big = true;
    }
    return plan;
}

std::vector<mapped_revision> map_revisions(entry_iterator first, entry_iterator last, const mapping& keys) {
    std::vector<mapped_revision> out;
    for (; first != last; ++first) out.push_back(map_revision(*first, keys));
    return out;
}

batch fold_all(std::vector<mapped_revision>& revisions, const mapping& keys,
               const std::optional<std::string>& frontier) {
    batch all(txn_limits::none());
    for (mapped_revision& mapped : revisions) {
        const bool added = all.add(mapped, keys, frontier);
        BOOST_ASSERT(added);
        static_cast<void>(added);
    }
    return all;
}

checkpoint advance_checkpoint(checkpoint before, const std::vector<mapped_revision>& revisions, revision to,
                              const mapping& keys) {
    const revision from = std::exchange(before.rev, to);
    before.split = false;
    record_newest_event(before, revisions);
    follow_changes(before.anchors, revisions);
    move_to(before.anchors, from, to);
    const auto more = count_change(revisions, keys);
    if (before.count && more) {
        *before.count += *more;
    } else {
        before.count.reset();
    }
    return before;
}

std::optional<std::int64_t> count_change(const std::vector<mapped_revision>& revisions, const mapping& keys) {
    if (revisions.empty()) return 0;
    if (!keys.takes_whole_segments() || keys.segments().size() > most_segments_to_count) return std::nullopt;
    std::int64_t sum = 0;
    for (const mapped_revision& mapped : revisions) {
        const log_entry& entry = *mapped.entry;
        if (entry.repeats_keys || entry.more_follows || entry.is_tail || entry.mass_delete) return std::nullopt;
        for (const etcd::event& change : entry.changes) sum += count_change(change, keys);
    }
    return sum;
}

}  // namespace etcdsync::replication
