// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/master/known_history.hpp"
#include "replication/record/checkpoint.hpp"
#include "replication/status/context.hpp"

#include <memory>
#include <optional>
#include <string>

namespace etcdsync::replication {

/// Says whether the master has the history that a checkpoint describes. Ids prove nothing: a wiped
/// or restored etcd keeps its cluster id, its member id and even its raft term (faults.md F5). The
/// proof is to replay the newest revision with selected events.
struct proof {
    enum class verdict {
        same,
        other,     ///< wiped, restored, rewound, rewritten or replaced
        unproven,  ///< the revision that would prove it is compacted or unknown
    };
    verdict found = verdict::unproven;
    std::string reason;  ///< for messages; empty if it is the same
    /// If the current state of the master is the proof: a revision at which the selected keys are
    /// what they were at R.
    revision unchanged_until = 0;
};

/// Proves the history over `on`: first by replaying it; if it is compacted, by the current state:
/// anchors that are unchanged, and whether any selected key changed. Fails if the master does not
/// answer.
aio::awaitable<etcd::result<proof>> prove_history(std::shared_ptr<net::channel> on, const context& with,
                                                  aio::clock::duration timeout, const mapping& keys,
                                                  const checkpoint& record);

/// Proves the history only by the current state. `unproven_because` is the reason if that proves
/// nothing.
aio::awaitable<etcd::result<proof>> prove_by_state(etcd::kv master, const mapping& keys, const checkpoint& record,
                                                   std::string unproven_because);

/// Finds, without any history, a revision at which the selected keys of the master are what they
/// were at the checkpoint's R: none of them is newer than R, and their number is the same. Returns
/// nothing if they changed, or if that cannot be determined.
aio::awaitable<etcd::result<std::optional<revision>>> find_unchanged(etcd::kv master, const mapping& keys,
                                                                     const checkpoint& record);

/// The number of the master's keys in the sources of all segments at a revision; nothing if there
/// are too many segments to count.
aio::awaitable<etcd::result<std::optional<std::int64_t>>> count_keys(etcd::kv from, const mapping& keys, revision at);

/// The digest of the events of revision `rev` that `keys` takes, as the master has them; empty if
/// the master no longer has them.
aio::awaitable<std::string> read_event_digest(std::shared_ptr<net::channel> on, const context& with,
                                              aio::clock::duration timeout, const mapping& keys, revision rev);

/// Says whether the master at the other end of `on` has the events of `read` as a feed, which is now at
/// `position`, read them. Unproven if they are compacted, or if the user may no longer read them.
aio::awaitable<etcd::result<proof>> prove_by_feed(std::shared_ptr<net::channel> on, const context& with,
                                                  aio::clock::duration timeout, proof_event read, revision position);

}  // namespace etcdsync::replication
