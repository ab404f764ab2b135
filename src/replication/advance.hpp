// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/batch.hpp"

#include <deque>
#include <optional>
#include <string>

namespace etcdsync::replication {

/// The next Txn that moves a link from revision R on: as many whole revisions as fit, folded.
struct advance_plan {
    explicit advance_plan(const txn_limits& limits) : writes(limits) {}

    batch writes;
    revision to = 0;              ///< R once it is applied
    revision event_revision = 0;  ///< the newest revision in it that carries events of this link's rules; 0: none does
    std::string event_digest;     ///< of that revision's events
    bool too_big = false;         ///< the first revision alone fits in no Txn: nothing is planned
};

using entry_iterator = std::deque<log_entry>::const_iterator;

/// Plans from the entries [first, last), which together reach up to `end`, for the keys of the slave below `frontier` (none:
/// for all). Pure.
[[nodiscard]] advance_plan plan_advance(entry_iterator first, entry_iterator last, revision end, const mapping& keys,
                                        const std::optional<std::string>& frontier, const txn_limits& limits);

}  // namespace etcdsync::replication
