// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/checkpoint.hpp"
#include "replication/context.hpp"
#include "replication/mapping.hpp"

#include <memory>
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
};

/// Asks over `on`. Fails where the master does not answer.
aio::awaitable<etcd::result<proof>> prove_history(std::shared_ptr<net::channel> on, const context& with,
                                                  aio::clock::duration timeout, const mapping& keys,
                                                  const checkpoint& record);

/// The digest of the events of revision `rev` (of the keys `keys` takes) as the master has them; empty where that can not be
/// told any more.
aio::awaitable<std::string> learn_event_digest(std::shared_ptr<net::channel> on, const context& with,
                                               aio::clock::duration timeout, const mapping& keys, revision rev);

}  // namespace etcdsync::replication
