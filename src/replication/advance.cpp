// SPDX-License-Identifier: Apache-2.0
#include "replication/advance.hpp"

#include "base/hash.hpp"

#include <algorithm>

namespace etcdsync::replication {
namespace {

bool touches(const log_entry& entry, const mapping& keys) {
    return std::any_of(entry.changes.begin(), entry.changes.end(), [&](const etcd::event& change) { return keys.rule_of(change.kv.key).has_value(); });
}

}  // namespace

std::string digest_of_events(const log_entry& entry, const mapping& keys) {
    base::digest digest;
    for (const etcd::event& change : entry.changes) {
        if (!keys.rule_of(change.kv.key)) continue;
        digest.add(static_cast<std::uint64_t>(change.type));
        digest.add(change.kv.key);
        digest.add(change.kv.value);
        for (const std::int64_t number : {change.kv.create_revision, change.kv.mod_revision, change.kv.version}) {
            digest.add(static_cast<std::uint64_t>(number));
        }
    }
    return digest.hex();
}

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
        plan.event_digest = digest_of_events(*newest, keys);
    }
    return plan;
}

}  // namespace etcdsync::replication
