// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/wire.hpp"
#include "replication/record/object_reader.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace etcdsync::replication {

using etcd::revision;

/// The pass of a full sync. It is done for keys below the frontier, and still to do for all others.
enum class sync_pass : std::uint8_t {
    none,    ///< no pass: every selected key equals the master at the revision
    count,   ///< counts what a full sync would overwrite and delete; writes nothing
    repair,  ///< puts missing and different keys; counts keys that are only on the slave
    prune,   ///< deletes keys that are only on the slave; all other keys are equal already
};

/// The part of a checkpoint that every Txn writes with the data it describes, and compares with the one before: (R, K) of
/// design.md section 6. Small, because it is part of every revision of the slave.
struct checkpoint_position {
    revision rev = 0;  ///< R
    sync_pass pass = sync_pass::none;
    std::string frontier;  ///< K, a key of the slave, while a pass is running
    /// E, the newest revision at or below R known to have selected events; 0: none known.
    revision event_revision = 0;
    std::string event_digest;  ///< of E's selected events; empty: unknown
    /// The master was found to have another history than the one the slave was copied from. Only an operator, or
    /// on_master_change = "resync", ends that (design.md section 6.4): the master may look right again later.
    bool other = false;
    bool split = false;  ///< parts of the revision after R are applied already, because it fits in no Txn
    std::optional<std::int64_t> count;  ///< keys of the master in the sources of all segments at R; nothing: unknown
    std::string writer;                 ///< random per process; empty after an orderly end
    std::uint64_t seq = 0;              ///< increases by one with each Txn
    std::string manifest_id;            ///< of the manifest that belongs to it
};

/// Encodes a position as compact JSON (design.md section 6, Link 2). Members that have their usual value are left out.
[[nodiscard]] std::string encode_position(const checkpoint_position& at);

/// Reads the members that encode_position() writes.
[[nodiscard]] checkpoint_position read_position(object_reader& in);

/// Reads a pass by its name, as both formats have it.
[[nodiscard]] sync_pass read_pass(object_reader& in);

}  // namespace etcdsync::replication
