// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/master/feed.hpp"

#include <cstdint>

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
};

}  // namespace etcdsync::replication
