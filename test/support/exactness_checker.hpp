// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_client.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// Maps a key of the master to its key on the slave; nothing if no rule selects it. Tests define it
/// independently of the code under test.
using key_mapping = std::function<std::optional<std::string>(std::string_view)>;

struct exactness_rules {
    key_mapping map;
    /// The key of the checkpoint after the checkpoint prefix. With consistency = "rule" it is
    /// "etcd-sync/<rule>", and each rule is checked separately with a `scope` of its keys.
    std::string instance = "etcd-sync";
    /// Selects the keys of the slave to check; default: all. Revisions without such keys are
    /// ignored.
    std::function<bool(std::string_view)> scope;
    /// The first revision of the slave to check. All earlier changes are foreign keys.
    std::int64_t from = 0;
};

struct exactness_report {
    /// The first violation; empty if there is none.
    std::string fault;
    std::size_t revisions = 0;         ///< revisions of the slave that the daemon wrote
    std::size_t data_revisions = 0;    ///< those with more than the checkpoint
    std::size_t follow_revisions = 0;  ///< those in state follow
    std::size_t split_revisions = 0;   ///< those with parts of a revision, except its last part
    std::size_t writers = 0;           ///< processes that claimed the checkpoint
    std::int64_t applied = 0;          ///< the last R
    std::string state;                 ///< the last state
};

/// Replays the complete histories of a slave and its master (both from revision 1) and checks every
/// revision of the slave against the promises P1, P2, P6 and P9: - It has exactly one checkpoint
/// event. R never decreases, and in state follow it increases with every revision that has data. -
/// In state follow the slave's keys are the master's at R, compared by an additive hash of the set.
/// A torn, lost, reordered or foreign write shows in the first revision that has it. - Every write
/// has a cause: a change on the master since the last R, or a difference that a full sync found. A
/// repeated write has none. - In state split R does not change, and each write is a change of the
/// master up to the next R, at which all of the above holds again. - During a full sync the keys
/// below the frontier are the master's at R, and keys above it are not changed. - Foreign keys (on
/// the slave before the first checkpoint) are only deleted if the master deletes them.
exactness_report check_exactness(const std::vector<change>& master, const std::vector<change>& slave,
                                 const exactness_rules& rules);

/// The same with the histories of two running stores, which must not have been compacted.
exactness_report check_exactness(etcd_client& master, etcd_client& slave, const exactness_rules& rules);

/// Maps keys that start with one of `prefixes` to themselves.
key_mapping same_keys(std::vector<std::string> prefixes);

}  // namespace etcdsync::test
