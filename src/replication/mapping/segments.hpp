// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keys/key_range.hpp"
#include "replication/mapping/rule_table.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace etcdsync::replication {

/// An interval of the master's keys and the interval of a slave's keys that it maps to. The mapping
/// keeps the order: a < b on the master if and only if the same is true of their images on the
/// slave. Intervals that exclude patterns or the checkpoint prefix cut out are in no segment.
struct segment {
    keys::key_range source;
    keys::key_range target;
    keys::mapping keys;  ///< strip and dest, canonical
};

/// The segments of `rules`, in the order of their targets. With `only`: of the keys that this rule takes, as far as the earlier
/// rules take whole intervals. Checkpoints are excluded on both sides.
[[nodiscard]] std::vector<segment> segments_of(const rule_table& rules, std::optional<std::size_t> only);

}  // namespace etcdsync::replication
