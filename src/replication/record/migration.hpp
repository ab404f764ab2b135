// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/checkpoint.hpp"
#include "replication/record/record_set.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What becomes of the records on a slave when the mode of consistency, or the set of rules in mode "rule", changed. Pure.
///
/// Two sets of records would fight: each would write its keys as of its own R. So the change is one Txn: every record that is
/// wanted is written, every other one deleted, on condition that all are as they were read. Before it the old ones have all the
/// say, after it the new ones; a process of the old mode, or a late Txn of a dead one, then fails its own compare. A crash leaves
/// the one or the other. Claims on keys (`since`) are carried over and never widened: a key that was foreign stays foreign.
namespace etcdsync::replication {

/// One of the instance's records as it stands on a slave.
struct found_record {
    std::string key;
    std::string text;
};

/// All of them, of both modes, read at one revision.
struct found_records {
    std::vector<found_record> records;
    revision at = 0;
};

/// What one record becomes.
struct migration_step {
    std::string key;
    std::optional<checkpoint> record;  ///< nothing: it is deleted. `writer` and `time` are set when it is written
};

struct migration {
    std::vector<migration_step> steps;  ///< none: all records are wanted ones
    /// The record that is not wanted and shows best whether another process is at work: its writer, and the sum of all their `seq`.
    /// Without a writer if no record is readable.
    checkpoint sign;
    std::string gone;  ///< the keys to be deleted, for people
};

[[nodiscard]] migration plan_migration(const found_records& found, const record_set& wanted, std::string_view instance);

/// Claims that do not overlap: what several cover keeps the youngest, which takes the fewest keys for ours.
[[nodiscard]] std::vector<span> merge_claims(const std::vector<span>& claims);

}  // namespace etcdsync::replication
