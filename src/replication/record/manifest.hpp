// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/anchors.hpp"
#include "replication/record/object_reader.hpp"
#include "replication/record/raft_position.hpp"
#include "replication/record/spans.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// The part of a checkpoint that changes seldom: what the slave was copied from, and what proves it. It has a key of its own and
/// is written together with a position that has its id.
struct checkpoint_manifest {
    std::uint64_t cluster_id = 0;  ///< of the master
    raft_position raft;            ///< of the master, some time before; unknown if it does not tell
    std::string rules;             ///< mapping::digest(); empty: unknown
    std::vector<span> spans;
    anchor_list anchors;                 ///< selected keys of the master; they prove the history if E is compacted
    std::uint64_t slave_cluster_id = 0;  ///< 0: unknown
    /// A revision the slave had when this was written. If the slave is below it, it was restored; 0: unknown.
    revision slave_revision = 0;
    std::string time;  ///< RFC 3339, for operators
};

/// Encodes a manifest as JSON (design.md section 6, Link 2).
[[nodiscard]] std::string encode_manifest(const checkpoint_manifest& of, std::string_view id);

/// Reads the members that encode_manifest() writes.
[[nodiscard]] checkpoint_manifest read_manifest(object_reader& in);

/// Reads the array "spans", as both formats have it.
[[nodiscard]] std::vector<span> read_spans(object_reader& in);

/// Reads the array "anchors". `seen_at` is when those were seen that do not say so.
[[nodiscard]] anchor_list read_anchors(object_reader& in, revision seen_at);

}  // namespace etcdsync::replication
