// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/checkpoint.hpp"
#include "replication/slave/batch.hpp"

#include <deque>
#include <optional>
#include <string>
#include <vector>

/// Turns complete revisions of the master into Txns of a slave, and moves its checkpoint. Pure.
namespace etcdsync::replication {

using entry_iterator = std::deque<log_entry>::const_iterator;

/// The next Txn of a link after revision R: as many complete revisions as fit, folded.
struct advance_plan {
    explicit advance_plan(const txn_limits& limits) : writes(limits) {}

    batch writes;
    std::vector<mapped_revision> revisions;  ///< its revisions; they refer to the entries
    revision to = 0;                         ///< R after it is applied
    bool too_big = false;                    ///< the first revision fits in no Txn: nothing is planned
};

/// Plans the next Txn from the entries [first, last), which together reach up to `end`, for the
/// keys of the slave below `frontier` (nothing: for all keys).
[[nodiscard]] advance_plan plan_advance(entry_iterator first, entry_iterator last, revision end, const mapping& keys,
                                        const std::optional<std::string>& frontier, const txn_limits& limits);

[[nodiscard]] std::vector<mapped_revision> map_revisions(entry_iterator first, entry_iterator last,
                                                         const mapping& keys);

/// Folds all of `revisions` into one set of writes of any size: the net effect at the last of them.
/// Moves the mapped keys out of `revisions`.
[[nodiscard]] batch fold_all(std::vector<mapped_revision>& revisions, const mapping& keys,
                             const std::optional<std::string>& frontier);

/// Moves the checkpoint `before` to revision `to`. `revisions` contain all changes in between.
[[nodiscard]] checkpoint advance_checkpoint(checkpoint before, const std::vector<mapped_revision>& revisions,
                                            revision to, const mapping& keys);

/// The change of the number of the master's keys in the sources of all segments. Nothing if it
/// cannot be determined: patterns pick single keys, or a revision wrote a key twice.
[[nodiscard]] std::optional<std::int64_t> count_change(const std::vector<mapped_revision>& revisions,
                                                       const mapping& keys);

}  // namespace etcdsync::replication
