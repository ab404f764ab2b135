// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/checkpoint.hpp"
#include "replication/slave/batch.hpp"

#include <deque>
#include <optional>
#include <string>
#include <vector>

/// How whole revisions of the master become Txns of a slave, and what they do to its checkpoint. Pure.
namespace etcdsync::replication {

using entry_iterator = std::deque<log_entry>::const_iterator;

/// The next Txn that moves a link from revision R on: as many whole revisions as fit, folded.
struct advance_plan {
    explicit advance_plan(const txn_limits& limits) : writes(limits) {}

    batch writes;
    std::vector<mapped_revision> revisions;  ///< what is in it; views into the entries
    revision to = 0;                         ///< R once it is applied
    bool too_big = false;                    ///< the first revision alone fits in no Txn: nothing is planned
};

/// Plans from the entries [first, last), which together reach up to `end`, for the keys of the slave below `frontier` (nothing:
/// for all).
[[nodiscard]] advance_plan plan_advance(entry_iterator first, entry_iterator last, revision end, const mapping& keys,
                                        const std::optional<std::string>& frontier, const txn_limits& limits);

[[nodiscard]] std::vector<mapped_revision> map_revisions(entry_iterator first, entry_iterator last,
                                                         const mapping& keys);

/// All of `revisions` folded into one set of writes, however large: the net effect at the last of them. Takes the mapped keys.
[[nodiscard]] batch fold_all(std::vector<mapped_revision>& revisions, const mapping& keys,
                             const std::optional<std::string>& frontier);

/// The checkpoint `before` moved to revision `to` by `revisions`, which hold all that changed in between.
[[nodiscard]] checkpoint advance_checkpoint(checkpoint before, const std::vector<mapped_revision>& revisions,
                                            revision to, const mapping& keys);

/// By how much the revisions change the number of the master's keys in the sources of all segments. Nothing if that cannot be
/// determined: patterns pick single keys, or a revision wrote a key twice.
[[nodiscard]] std::optional<std::int64_t> count_change(const std::vector<mapped_revision>& revisions,
                                                       const mapping& keys);

}  // namespace etcdsync::replication
