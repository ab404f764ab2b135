// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/slave/batch.hpp"

#include <deque>
#include <optional>
#include <string>

namespace etcdsync::replication {

using entry_iterator = std::deque<log_entry>::const_iterator;

/// The next Txn that moves a link from revision R on: as many whole revisions as fit, folded.
struct advance_plan {
    explicit advance_plan(const txn_limits& limits) : writes(limits) {}

    batch writes;
    revision to = 0;       ///< R once it is applied
    entry_iterator done;   ///< behind the last revision in it
    bool too_big = false;  ///< the first revision alone fits in no Txn: nothing is planned
};

/// Plans from the entries [first, last), which together reach up to `end`, for the keys of the slave below `frontier` (none:
/// for all). Pure.
[[nodiscard]] advance_plan plan_advance(entry_iterator first, entry_iterator last, revision end, const mapping& keys,
                                        const std::optional<std::string>& frontier, const txn_limits& limits);

/// The newest of some revisions that carries events of a link's rules, and the digest of these; `rev` 0: none does.
struct newest_event {
    revision rev = 0;
    std::string digest;
};

[[nodiscard]] newest_event newest_event_of(entry_iterator first, entry_iterator last, const mapping& keys);

/// All of [first, last) folded into one set of writes, however large: the net effect at the last revision. Pure.
[[nodiscard]] batch fold_all(entry_iterator first, entry_iterator last, const mapping& keys,
                             const std::optional<std::string>& frontier);

/// By how much the entries change the number of the master's keys in the sources of all segments. Nothing where that can not be
/// told: patterns pick single keys, or a revision wrote a key twice. Pure.
[[nodiscard]] std::optional<std::int64_t> count_change(entry_iterator first, entry_iterator last, const mapping& keys);

}  // namespace etcdsync::replication
