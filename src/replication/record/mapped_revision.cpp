// SPDX-License-Identifier: Apache-2.0
#include "replication/record/mapped_revision.hpp"

#include <utility>

namespace etcdsync::replication {

mapped_revision map_revision(const log_entry& entry, const mapping& keys) {
    mapped_revision out;
    out.entry = &entry;
    std::string target;
    for (const etcd::event& change : entry.changes) {
        const auto rule = keys.map(change.kv.key, target);
        if (!rule) continue;
        if (keys.is_hole(target)) target.clear();
        out.changes.push_back({&change, *rule, std::move(target)});
    }
    return out;
}

}  // namespace etcdsync::replication
