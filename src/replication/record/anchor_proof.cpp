// SPDX-License-Identifier: Apache-2.0
#include "replication/record/anchor_proof.hpp"

#include "base/escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {

anchor_verdict judge(const anchor& known, const std::optional<etcd::key_value>& now) {
    anchor_verdict out;
    if (!now) return out;
    const bool same_key = now->create_revision == known.create_revision;
    const bool created_unseen = !same_key && now->create_revision <= known.seen_at;
    const bool changed_unseen = now->mod_revision <= known.seen_at && !is_unchanged(known, *now);
    // Each put of a key adds one to its version.
    const bool counted_back = same_key && now->mod_revision > known.mod_revision && now->version <= known.version;
    out.contradicts = created_unseen || changed_unseen || counted_back;
    out.survives = same_key && !out.contradicts;
    // One of version 0.1 has no digest that can be compared.
    out.unchanged = out.survives && now->mod_revision == known.mod_revision && !known.digest.empty();
    return out;
}

aio::awaitable<etcd::result<anchor_proof>> compare_anchors(etcd::kv master, anchor_list anchors) {
    anchor_proof out;
    for (const anchor& known : anchors) {
        etcd::range_query query;
        query.key = known.key;
        const auto page = co_await master.range(query);
        if (!page && page.error().cls == etcd::error_class::denied) continue;
        if (!page) co_return page.error();
        std::optional<etcd::key_value> now;
        if (!page->kvs.empty()) now = page->kvs.front();
        const anchor_verdict says = judge(known, now);
        if (says.contradicts) {
            out.contradiction = fmt::format(
                "{}: the key {} is not what it was at revision {}: the master was wiped, restored or replaced",
                master.peer().name(), base::printable(known.key), known.seen_at);
            co_return out;
        }
        out.any_survives = out.any_survives || says.survives;
        if (says.unchanged) out.proven_until = std::max(out.proven_until, known.mod_revision);
    }
    co_return out;
}

}  // namespace etcdsync::replication
