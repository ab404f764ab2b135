// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/record/checkpoint.hpp"
#include "replication/status/context.hpp"

#include <memory>
#include <optional>
#include <string>

namespace etcdsync::replication {

/// Whether the master a connection leads to has the history a checkpoint speaks of. Ids prove nothing: a wiped or restored etcd
/// keeps its cluster id, its member id and even its raft term (faults.md F5). What proves it is the replay of the newest
/// revision that carried events of ours.
struct proof {
    enum class verdict {
        same,
        other,     ///< wiped, restored, rewound, rewritten or exchanged
        unproven,  ///< the revision that would prove it is compacted, or none is known
    };
    verdict found = verdict::unproven;
    std::string reason;  ///< for people; empty where it is the same
    /// Where it is the same by the master's present state: the selected keys are at this revision what they were at R.
    revision unchanged_until = 0;
};

/// Asks over `on` for the history itself; if that is compacted, for the current state: keys that are unchanged, and whether
/// anything changed at all. Fails if the master does not answer.
aio::awaitable<etcd::result<proof>> prove_history(std::shared_ptr<net::channel> on, const context& with,
                                                  aio::clock::duration timeout, const mapping& keys,
                                                  const checkpoint& record);

/// Only the second of the two. `unproven_because` is the reason if it proves nothing.
aio::awaitable<etcd::result<proof>> prove_by_state(etcd::kv master, const mapping& keys, const checkpoint& record,
                                                   std::string unproven_because);

/// A revision at which the selected keys of the master are what they were at the record's R, found without any history: none of
/// them is newer than R, and their number is the same. Nothing if they changed, or if that cannot be determined.
aio::awaitable<etcd::result<std::optional<revision>>> find_unchanged(etcd::kv master, const mapping& keys,
                                                                     const checkpoint& record);

/// The number of the master's keys in the sources of all segments at a revision; nothing where there are too many to ask.
aio::awaitable<etcd::result<std::optional<std::int64_t>>> count_keys(etcd::kv from, const mapping& keys, revision at);

/// The digest of the events of revision `rev` (of the keys `keys` takes) as the master has them; empty if the master no
/// longer has them.
aio::awaitable<std::string> learn_event_digest(std::shared_ptr<net::channel> on, const context& with,
                                               aio::clock::duration timeout, const mapping& keys, revision rev);

}  // namespace etcdsync::replication
