// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/advance.hpp"

#include "replication/master/revision_assembler.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace etcdsync::replication {
namespace {

bool touches(const log_entry& entry, const mapping& keys) {
    return std::any_of(entry.changes.begin(), entry.changes.end(),
                       [&](const etcd::event& change) { return keys.rule_of(change.kv.key).has_value(); });
}

}  // namespace

advance_plan plan_advance(entry_iterator first, entry_iterator last, revision end, const mapping& keys,
                          const std::optional<std::string>& frontier, const txn_limits& limits) {
    advance_plan plan(limits);
    for (; first != last; ++first) {
        if (first->mass_delete || !plan.writes.add(*first, keys, frontier)) break;
        plan.to = first->rev;
    }
    plan.done = first;
    if (first == last) {
        plan.to = end;
    } else if (plan.to == 0) {
        plan.too_big = true;
    }
    return plan;
}

newest_event newest_event_of(entry_iterator first, entry_iterator last, const mapping& keys) {
    newest_event out;
    const auto selects = [&keys](std::string_view key) { return keys.rule_of(key).has_value(); };
    while (last != first && out.rev == 0) {
        --last;
        // Of the last part of a revision that was too large to hold, the events are not all of that revision's.
        if (last->is_tail || !touches(*last, keys)) continue;
        out.rev = last->rev;
        out.digest = digest_of_events(*last, selects);
    }
    return out;
}

batch fold_all(entry_iterator first, entry_iterator last, const mapping& keys,
               const std::optional<std::string>& frontier) {
    batch all(txn_limits::none());
    for (; first != last; ++first) {
        const bool added = all.add(*first, keys, frontier);
        BOOST_ASSERT(added);
        static_cast<void>(added);
    }
    return all;
}

std::optional<std::int64_t> count_change(entry_iterator first, entry_iterator last, const mapping& keys) {
    if (first == last) return 0;
    if (!keys.takes_whole_segments() || keys.segments().size() > most_segments_to_count) return std::nullopt;
    std::int64_t sum = 0;
    for (; first != last; ++first) {
        if (first->repeats_keys || first->more_follows || first->is_tail || first->mass_delete) return std::nullopt;
        for (const etcd::event& change : first->changes) {
            const bool created =
                change.type == etcd::event_type::put && change.kv.create_revision == change.kv.mod_revision;
            const bool removed = change.type == etcd::event_type::remove;
            if (!created && !removed) continue;
            for (const segment& part : keys.segments()) {
                if (part.source.contains(change.kv.key)) sum += created ? 1 : -1;
            }
        }
    }
    return sum;
}

}  // namespace etcdsync::replication
