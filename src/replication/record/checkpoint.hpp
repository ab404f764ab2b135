// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "etcd/wire.hpp"
#include "keys/key_range.hpp"
#include "replication/record/anchors.hpp"
#include "replication/record/spans.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

using etcd::revision;

/// The pass of a full sync. It is done for keys below the frontier, and still to do for all others.
enum class sync_pass : std::uint8_t {
    none,    ///< no pass: every selected key equals the master at the revision
    count,   ///< counts what a full sync would overwrite and delete; writes nothing
    repair,  ///< puts missing and different keys; counts keys that are only on the slave
    prune,   ///< deletes keys that are only on the slave; all other keys are equal already
};

/// The record on a slave of how far it is: (R, K) of design.md section 6, and what proves that it
/// belongs to this master. Every Txn writes it together with the data it describes, and compares it
/// with the one before.
struct checkpoint {
    std::string instance;
    std::uint64_t cluster_id = 0;  ///< of the master
    std::uint64_t raft_term = 0;
    revision rev = 0;  ///< R
    sync_pass pass = sync_pass::none;
    std::string frontier;  ///< K, a key of the slave, while a pass is running
    /// E, the newest revision at or below R known to have selected events; 0: none known.
    revision event_revision = 0;
    std::string event_digest;  ///< of E's selected events; empty: unknown
    bool split = false;        ///< parts of the revision after R are applied already, because it fits in no Txn
    anchor_list anchors;       ///< selected keys as they are at R; they prove the history if E is compacted
    std::optional<std::int64_t> count;  ///< keys of the master in the sources of all segments at R; nothing: unknown
    std::string rules;                  ///< mapping::digest()
    std::vector<span> spans;
    std::string writer;     ///< random per process; empty after a one-shot run that ended orderly
    std::uint64_t seq = 0;  ///< increases by one with each Txn
    std::string time;       ///< RFC 3339, for operators
};

/// Encodes a checkpoint as JSON (design.md section 6, Link 2).
[[nodiscard]] std::string encode(const checkpoint& record);

/// Parses a checkpoint. Data on a slave is not trusted: anything but a checkpoint of format 1 with
/// valid values is an error that says what is wrong.
[[nodiscard]] base::result<checkpoint> parse_checkpoint(std::string_view text);

/// The key of the checkpoint of an instance.
[[nodiscard]] std::string checkpoint_key(std::string_view checkpoint_prefix, std::string_view instance);

}  // namespace etcdsync::replication
