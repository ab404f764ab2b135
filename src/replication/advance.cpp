// SPDX-License-Identifier: Apache-2.0
#include "replication/advance.hpp"

#include "replication/folder.hpp"

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
    const log_entry* newest = nullptr;
    for (; first != last; ++first) {
        if (!plan.writes.add(*first, keys, frontier)) break;
        plan.to = first->rev;
        if (touches(*first, keys)) newest = &*first;
    }
    if (first == last) {
        plan.to = end;
    } else if (plan.to == 0) {
        plan.too_big = true;
    }
    if (newest != nullptr) {
        plan.event_revision = newest->rev;
        plan.event_digest =
            digest_of_events(*newest, [&keys](std::string_view key) { return keys.rule_of(key).has_value(); });
    }
    return plan;
}

}  // namespace etcdsync::replication
