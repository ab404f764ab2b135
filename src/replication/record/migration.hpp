// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/checkpoint.hpp"
#include "replication/record/record_set.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Plans the migration of the checkpoints on a slave when the mode of consistency, or the set of
/// rules in mode "rule", has changed. Pure.
/// || Two sets of checkpoints would conflict: each would write its keys as of its own R. So the
/// migration is one Txn: it writes every wanted checkpoint and deletes every other one, on
/// condition that all are as they were read. Before it only the old checkpoints count, after it
/// only the new ones: a process of the old mode, or a late Txn of a dead one, then fails its own
/// compare. A crash leaves one or the other. (If a slave cannot take all of it in one Txn, a crash
/// may leave both; then none of them is trusted, and every key is compared.) Spans keep their
/// `since`, which is never lowered: a foreign key stays foreign.
namespace etcdsync::replication {

/// One checkpoint of the instance as found on a slave.
struct found_record {
    checkpoint_keys at;
    checkpoint_text text;
};

/// All checkpoints of the instance, of both modes, read at one revision.
struct found_records {
    std::vector<found_record> records;
    revision at = 0;
};

/// The new content of one checkpoint.
struct migration_step {
    checkpoint_keys at;
    /// Nothing: it is deleted; `writer`, `manifest_id` and `time` are set when it is written.
    std::optional<checkpoint> record;
};

struct migration {
    std::vector<migration_step> steps;  ///< empty: all checkpoints are wanted
    /// Shows whether another process writes the unwanted checkpoints: the writer of the one with
    /// the highest `seq`, and the sum of all their `seq`. Without a writer if none is readable.
    checkpoint activity;
    std::string removed_keys;  ///< the positions to delete, for messages
};

[[nodiscard]] migration plan_migration(const found_records& found, const record_set& wanted);

}  // namespace etcdsync::replication
