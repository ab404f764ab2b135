// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/master/known_history.hpp"
#include "replication/record/checkpoint.hpp"
#include "replication/status/context.hpp"

#include <memory>
#include <string>

namespace etcdsync::replication {

/// Says whether the master has the history that a checkpoint describes (design.md section 6.4). Ids prove nothing: a wiped or
/// restored etcd keeps its cluster id, its member id and even its raft term (faults.md F5). One contradiction beats every proof.
struct proof {
    enum class verdict {
        same,
        other_cluster,  ///< another cluster answers, which says nothing about the right one
        other,          ///< wiped, restored, rewound or rewritten: final, whatever the master looks like later
        unproven,       ///< what would prove it is compacted, overwritten or unknown
    };
    verdict found = verdict::unproven;
    /// The master contradicts the checkpoint: nothing of it may reach the slave.
    [[nodiscard]] bool is_contradiction() const { return found == verdict::other || found == verdict::other_cluster; }
    /// With `unproven`: a key from before is still there, possibly overwritten, and the raft log goes on. So ordinary life
    /// explains all that was changed after R.
    bool continuous = false;
    std::string reason;  ///< for messages; empty if it is the same
    /// With `same`: the selected keys are at this revision what they were at R; 0: unknown.
    revision unchanged_until = 0;
    revision seen = 0;   ///< of the master
    raft_position raft;  ///< of the master, to record; unknown if it cannot be told
};

/// What to prove, and how.
struct proof_request {
    std::shared_ptr<net::channel> on;
    const context& with;
    aio::clock::duration timeout;  ///< of one request
    const mapping& keys;           ///< the keys that the checkpoint is about
    const checkpoint& record;
    revision at_least = 0;  ///< the master was at this revision before
    /// E is known to be compacted: only the current state can prove the history. Why, for messages; empty: E is replayed.
    std::string compacted = {};
};

/// Answers `ask`, which must outlive the call. Fails if the master does not answer.
aio::awaitable<etcd::result<proof>> prove_history(const proof_request& ask);

/// The digest of the events of revision `rev` that `keys` takes, as the master has them; empty if
/// the master no longer has them.
aio::awaitable<std::string> read_event_digest(std::shared_ptr<net::channel> on, const context& with,
                                              aio::clock::duration timeout, const mapping& keys, revision rev);

/// Says whether the master at the other end of `on` has the events of `read` as a feed, which is now at
/// `position`, read them. Unproven if they are compacted, or if the user may no longer read them.
aio::awaitable<etcd::result<proof>> prove_by_feed(std::shared_ptr<net::channel> on, const context& with,
                                                  aio::clock::duration timeout, proof_event read, revision position);

}  // namespace etcdsync::replication
