// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/checkpoint.hpp"

#include <optional>
#include <string>

/// What a checkpoint's pass and frontier mean for the moves of a link. Pure.
namespace etcdsync::replication {

[[nodiscard]] inline bool in_full_sync(const checkpoint& at) { return at.pass != sync_pass::none; }

/// A full sync has not copied anything yet, so R may still be chosen.
[[nodiscard]] inline bool nothing_below_frontier(const checkpoint& at) {
    return at.pass == sync_pass::count || (at.pass == sync_pass::repair && at.frontier.empty());
}

/// Every selected key equals the master at R, although a prune pass may still have keys to delete.
[[nodiscard]] inline bool applied_revision_is_valid(const checkpoint& at) {
    return at.pass == sync_pass::none || at.pass == sync_pass::prune;
}

/// Changes of the master apply to the slave's keys below this one; nothing: to all of them.
[[nodiscard]] inline std::optional<std::string> advance_frontier(const checkpoint& at) {
    if (at.pass == sync_pass::count) return std::string();
    if (at.pass != sync_pass::repair) return std::nullopt;
    return at.frontier;
}

}  // namespace etcdsync::replication
