// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/wire.hpp"
#include "keys/key_range.hpp"
#include "replication/mapping/mapping.hpp"

#include <string_view>
#include <vector>

namespace etcdsync::replication {

using etcd::revision;

/// An interval of the slave that etcd-sync writes, and since when.
struct span {
    keys::key_range keys;
    /// The slave's revision when the span was added. A key only on the slave whose mod_revision is
    /// not above it existed before (a foreign key) and is not deleted. 0: there are no foreign
    /// keys.
    revision since = 0;

    friend bool operator==(const span&, const span&) = default;
};

/// Merges spans into disjoint ones, in key order. Where several overlap, the highest `since` counts:
/// it treats the fewest keys as ours. O(n log n), as everything here: in consistency = "rule" a
/// slave has as many spans as rules.
[[nodiscard]] std::vector<span> merge_spans(const std::vector<span>& spans);

/// The parts of `spans` inside `within`. `spans` are disjoint and in key order.
[[nodiscard]] std::vector<span> parts_within(const std::vector<span>& spans, const keys::key_range& within);

/// The spans of `keys`. What an old span covered keeps its `since`; the rest gets `since_now`.
[[nodiscard]] std::vector<span> spans_for(const mapping& keys, const std::vector<span>& old, revision since_now);

/// True if a key that is only on the slave existed there before etcd-sync: it is kept. `spans` are disjoint and in key order.
[[nodiscard]] bool is_foreign(const std::vector<span>& spans, std::string_view key, revision mod_revision);

}  // namespace etcdsync::replication
