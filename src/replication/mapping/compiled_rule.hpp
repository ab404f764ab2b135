// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/key_range.hpp"
#include "keys/pattern.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// One rule of the configuration, compiled.
struct compiled_rule {
    /// `prefix` precedes every destination key.
    compiled_rule(const config::rule& rule, std::string_view prefix);

    keys::key_range range;
    std::vector<keys::pattern> include;
    std::vector<keys::pattern> exclude;
    keys::mapping keys;  ///< strip and dest, canonical
    std::string name;
    bool replays_deletes;
    std::uint64_t digest;  ///< of all of it but `name` and the prefix

    /// True if the rule takes `key` of the master, unless an earlier rule does.
    [[nodiscard]] bool takes(std::string_view key) const;

    /// True if the rule takes every key of its range that is in none of the holes: no pattern picks
    /// single keys.
    [[nodiscard]] bool takes_intervals() const;

    /// The intervals that the exclude patterns cover; globs have none.
    [[nodiscard]] std::vector<keys::key_range> holes() const;

    /// Intervals that contain every key the rule takes. If takes_intervals(), it takes all keys in them.
    [[nodiscard]] std::vector<keys::key_range> candidates() const;
};

}  // namespace etcdsync::replication
