// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/master/feed.hpp"

#include <cstdint>
#include <optional>

namespace etcdsync::replication {

/// The history of the master that a session on a slave works with.
struct session_history {
    explicit session_history(const feed& source)
        : generation(source.recent().generation()), continuity(source.continuity()) {}

    /// False if the master may have another history since this was made.
    [[nodiscard]] bool is_current(const feed& source) const {
        // If only the continuity differs: a watch of the feed was opened without proof, so it may be another master's.
        return source.recent().generation() == generation && source.continuity() == continuity;
    }

    std::uint64_t generation;  ///< of the feed's log
    std::uint64_t continuity;  ///< feed::continuity()
    bool proven = false;       ///< the master is known to have the history the slave was copied from
    bool is_first = false;     ///< nothing was known of the slave: there is no history that could be proven
    /// The number of keys when the slave equaled the master before a full sync (census::expected).
    std::optional<std::int64_t> expected_keys;
    /// If it is not proven, but continuous (proof::continuous): the slave equaled the master up to here; 0: unknown.
    revision known_until = 0;
};

}  // namespace etcdsync::replication
