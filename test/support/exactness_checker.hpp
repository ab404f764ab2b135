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

/// The key of the slave for a key of the master; nothing: no rule takes it. Written anew in each test, not taken from the product.
using key_mapping = std::function<std::optional<std::string>(std::string_view)>;

struct exactness_rules {
    key_mapping map;
    /// Names the record: its key behind the checkpoint prefix. In consistency = "rule" that is "etcd-sync/<rule>", and each rule is
    /// checked by itself with a `scope` of its keys.
    std::string instance = "etcd-sync";
    /// Which keys of the slave the check is about; default: all. Revisions that touch none of them are passed over.
    std::function<bool(std::string_view)> scope;
    /// The slave's revision from which it is held to anything: what was done to it before, by whomever, stood there.
    std::int64_t from = 0;
};

struct exactness_report {
    /// The first thing that is not as promised; empty: the whole history is right.
    std::string fault;
    std::size_t revisions = 0;         ///< of the slave, written by the daemon
    std::size_t data_revisions = 0;    ///< of them, with more in them than the checkpoint
    std::size_t follow_revisions = 0;  ///< of them all, in state follow
    std::size_t split_revisions = 0;   ///< of those with data, parts of a revision applied in parts but for the last
    std::size_t writers = 0;           ///< processes that claimed the checkpoint
    std::int64_t applied = 0;          ///< the last R
    std::string state;                 ///< the last state
};

/// Replays the whole history of a slave beside the whole history of its master (both from revision 1) and holds every single
/// revision of the slave to the promises P1, P2, P6 and P9:
/// - exactly one checkpoint event in each; R never decreases, and in state follow grows with every revision that carries data;
/// - in state follow the slave's keys are the master's at R, compared by an additive hash of the set (a torn, lost, reordered or
///   foreign write shows in the first revision that has it);
/// - every write has a cause: a change on the master since the last R, or a difference a full sync found. A second apply has none;
/// - in state split R stands still, each write is a change the master made up to the next R, and then all of the above holds again;
/// - during a full sync the keys below the frontier are the master's at R, and what lies above it is not touched;
/// - keys that stood on the slave before the first checkpoint are not deleted unless the master deletes them.
exactness_report check_exactness(const std::vector<change>& master, const std::vector<change>& slave,
                                 const exactness_rules& rules);

/// The same with the histories of two live stores. Nothing may have been compacted there.
exactness_report check_exactness(etcd_client& master, etcd_client& slave, const exactness_rules& rules);

/// Keys that begin with one of `prefixes` stay where they are.
key_mapping same_keys(std::vector<std::string> prefixes);

}  // namespace etcdsync::test
