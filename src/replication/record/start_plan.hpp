// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/mapping/mapping.hpp"
#include "replication/record/checkpoint.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace etcdsync::replication {

/// What is known when a link starts.
struct start_context {
    std::uint64_t cluster_id = 0;  ///< of the master
    raft_position raft;            ///< of the master; unknown if it does not tell
    revision master_position = 0;  ///< all changes of the master up to here are known
    std::uint64_t slave_cluster_id = 0;
    revision slave_revision = 0;  ///< the current revision of the slave
    bool proven = false;          ///< the master is known to have the history that the checkpoint describes
    bool continuous = false;      ///< proof::continuous
    bool accepted_other = false;  ///< the master has another history, and that was agreed to
    std::string unproven_reason;  ///< why `proven` is false
    /// No selected key of the master changed from the checkpoint's R to here; 0: unknown.
    revision unchanged_until = 0;
};

/// How a link starts.
struct start_plan {
    checkpoint record;       ///< the first checkpoint; `writer`, `seq` and `time` are set when it is written
    bool full_sync = false;  ///< compares from the first key
    bool proven = false;     ///< what the full sync finds extra or different comes from the known history
    /// If it is not proven, but continuous: the slave equaled the master up to here; 0: unknown.
    revision known_until = 0;
    /// Until something is written, the stored checkpoint stays as it is: it proves more than a new one.
    std::optional<checkpoint> kept;
    std::string reason;  ///< why there is a full sync; empty if the link resumes from what was stored
};

/// Decides from the checkpoint on the slave whether a link resumes or compares all keys. `stored`
/// is empty if there is no checkpoint, or an error if it is unreadable. If in doubt, all keys are
/// compared. Pure.
[[nodiscard]] start_plan plan_start(const std::optional<base::result<checkpoint>>& stored, const mapping& keys,
                                    const start_context& now);

/// True if another running process wrote `stored`, which was read after our claim succeeded.
/// `writer` is our own name, `last_seq` the last `seq` we wrote: a slave restored from a snapshot
/// shows older checkpoints of ours or of a dead process.
[[nodiscard]] bool is_rival(const checkpoint& stored, std::string_view writer, std::uint64_t last_seq);

}  // namespace etcdsync::replication
