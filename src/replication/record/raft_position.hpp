// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/maintenance.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Where a master is in its raft log: a sign of another history where ids, terms and revisions repeat (design.md section 6.4).
/// Pure.
namespace etcdsync::replication {

/// A point in the raft log of a master.
struct raft_position {
    std::uint64_t term = 0;
    std::uint64_t index = 0;  ///< 0: unknown
    /// Index minus revision. Each revision takes at least one entry, so within one history this never shrinks. A restored
    /// snapshot keeps the revision and begins a new raft log.
    std::int64_t slack = 0;

    [[nodiscard]] bool known() const { return index > 0; }
    friend bool operator==(const raft_position&, const raft_position&) = default;
};

/// A Status, and the revision of a linearizable read from the same member right after it.
struct raft_sample {
    etcd::member_status status;
    etcd::revision after = 0;
};

/// The lowest position that the samples prove: what a manifest records.
[[nodiscard]] raft_position lowest_position(const std::vector<raft_sample>& samples);

/// The highest position that the samples allow: what is compared with a recorded one.
[[nodiscard]] raft_position highest_position(const std::vector<raft_sample>& samples);

/// Why a master that is at `now` cannot have been at `recorded` before; empty: nothing contradicts it.
[[nodiscard]] std::string raft_contradiction(const raft_position& recorded, const raft_position& now);

}  // namespace etcdsync::replication
