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

/// What a full sync is at. Behind the frontier the pass is done, before it still to do.
enum class sync_pass : std::uint8_t {
    none,    ///< following: every selected key equals the master at the revision
    count,   ///< nothing is written: what a full sync would overwrite and delete is counted first
    repair,  ///< what is missing or different is put; keys only on the slave are counted
    prune,   ///< keys only on the slave are deleted; the frontier says how far, and all other keys are right already
};

/// The record on a slave of how far it got: (R, K) of design.md section 6, and what proves that it belongs to this master.
/// Written in the same Txn as the data it speaks of, and compared by every Txn.
struct checkpoint {
    std::string instance;
    std::uint64_t cluster_id = 0;  ///< of the master
    std::uint64_t raft_term = 0;
    revision rev = 0;  ///< R
    sync_pass pass = sync_pass::none;
    std::string frontier;  ///< K, a key of the slave, while a pass is under way
    revision event_revision =
        0;                     ///< E, the newest revision at or below R known to carry selected events; 0: none known
    std::string event_digest;  ///< of E's selected events; empty: not seen
    bool split = false;        ///< parts of what comes behind R are applied already, because no Txn holds the whole
    anchor_list anchors;       ///< selected keys as they are at R: they prove the history where E is compacted
    std::optional<std::int64_t> count;  ///< keys of the master in the sources of all segments, at R; nothing: not known
    std::string rules;                  ///< mapping::digest()
    std::vector<span> spans;
    std::string writer;     ///< random per process; empty after an orderly one-shot run
    std::uint64_t seq = 0;  ///< grows by one a Txn
    std::string time;       ///< RFC 3339, for people
};

/// As JSON (design.md section 6, Link 2).
[[nodiscard]] std::string encode(const checkpoint& record);

/// What stands on a slave is not trusted: anything but a record of format 1 with sane values is an error that says what.
[[nodiscard]] base::result<checkpoint> parse_checkpoint(std::string_view text);

/// Where the record of an instance stands.
[[nodiscard]] std::string checkpoint_key(std::string_view checkpoint_prefix, std::string_view instance);

}  // namespace etcdsync::replication
