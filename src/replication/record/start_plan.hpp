// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/mapping/mapping.hpp"
#include "replication/record/checkpoint.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace etcdsync::replication {

/// What the world looks like when a link takes up its slave.
struct start_context {
    std::string_view instance;
    std::uint64_t cluster_id = 0;  ///< of the master
    std::uint64_t raft_term = 0;
    revision master_position = 0;  ///< everything up to here is known of the master
    revision slave_revision = 0;   ///< of the slave's store, now
    bool proven = false;           ///< the master is known to have the history the record speaks of
    std::string doubt;             ///< why it is not
    revision unchanged_until =
        0;  ///< no selected key of the master changed between the record's R and here; 0: not known
};

/// How a link starts.
struct start_plan {
    checkpoint record;       ///< where it stands; `writer`, `seq` and `time` are set when it is written
    bool full_sync = false;  ///< from the first key, whatever was stored
    bool proven = false;     ///< what the full sync finds too much, or different, came about in the history we know
    std::string reason;      ///< why, for people; empty where it goes on from what was stored
};

/// Decides from what stands on the slave (`stored`: nothing where there is no record, an error text where it is unreadable)
/// whether to go on or to compare everything. In doubt it is compared. Pure.
[[nodiscard]] start_plan plan_start(const std::optional<base::result<checkpoint>>& stored, const mapping& keys,
                                    const start_context& now);

/// True where `stored`, read after a claim of ours succeeded, was written by another process that is at work now. `writer` is ours,
/// `last_seq` what we wrote last: a slave restored from a snapshot shows older records, of ours or of a dead process.
[[nodiscard]] bool is_rival(const checkpoint& stored, std::string_view writer, std::uint64_t last_seq);

}  // namespace etcdsync::replication
