// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "base/escape.hpp"
#include "etcd/error.hpp"
#include "etcd/wire.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The state of a running replicator. Status, log, page and metrics all report it in the same
/// words.
namespace etcdsync::replication {

enum class link_state : std::uint8_t {
    connecting,  ///< dialing, reading and claiming the checkpoint, or waiting for the master
    full_sync,
    catching_up,
    in_sync,
    disconnected,  ///< `cause` says why, `next_try` when the next attempt is made
    held,          ///< a guard stopped it until an operator approves
    standby,       ///< another process replicates to this slave; this one waits to take over
    paused,
    stopped,
};

/// The state in words, for example "full sync".
[[nodiscard]] std::string_view to_string(link_state state);

/// The name of a link in messages: the slave, or "slave/rule" in consistency = "rule".
[[nodiscard]] inline std::string link_name(const std::string& slave, std::string_view rule) {
    return rule.empty() ? slave : slave + "/" + base::printable(rule);
}

/// The progress of a full sync.
struct sync_progress {
    std::string_view pass;    ///< "repair" or "prune"; empty if no pass is running
    std::uint64_t done = 0;   ///< keys of the master compared
    std::uint64_t total = 0;  ///< keys of the master to compare, counted when the pass began; 0: unknown
    std::uint64_t bytes = 0;  ///< written to the slave
};

struct link_status {
    std::string name;  ///< link_name()
    std::string slave;
    std::string rule;       ///< the rule of the link in consistency = "rule", else empty
    std::string endpoints;  ///< for messages: the configured URLs
    link_state state = link_state::connecting;
    aio::clock::time_point since;     ///< when this state began
    std::string cause;                ///< why, and what happens next; may be empty
    aio::clock::time_point next_try;  ///< while disconnected
    etcd::revision applied = 0;       ///< R; 0: unknown
    etcd::revision known = 0;         ///< revision of the master up to which all changes of this link's keys are known
    sync_progress progress;
    std::uint64_t puts = 0;  ///< written by this process
    std::uint64_t deletes = 0;
    std::uint64_t splits = 0;           ///< revisions of the master that fit in no Txn and were applied in parts
    etcd::revision split_revision = 0;  ///< the last of them
    /// Keys only on the slave that the last full sync kept by `delete = false` or `prune = "off"`.
    std::uint64_t kept_keys = 0;
    std::uint64_t foreign_keys = 0;                        ///< foreign keys that the last full sync found and kept
    etcd::error_class failure = etcd::error_class::retry;  ///< class of `cause` while disconnected
    bool approvable = false;                               ///< while held: an approval lifts it
    std::string approved;   ///< a one-shot job: the cause of the hold that it approved; empty: none
    bool finished = false;  ///< a one-shot job ended; `state` (in_sync, held, disconnected) is its result
};

/// The state of the master. If there are several feeds (consistency = "rule"): what is true of all
/// of them.
struct master_status {
    std::string endpoint;  ///< the endpoint in use, or the configured endpoints
    bool connected = false;
    aio::clock::time_point since;
    std::string cause;                                     ///< why it is not connected, and what happens next
    etcd::error_class failure = etcd::error_class::retry;  ///< class of `cause` while not connected
    std::uint64_t violations =
        0;                     ///< how often a watch violated etcd's guarantees (order, uniqueness, atomicity, range)
    etcd::revision known = 0;  ///< all changes up to this revision are known
    std::uint64_t cluster_id = 0;
};

struct status {
    master_status master;
    bool master_serves = false;  ///< at least one feed is connected: the master does not fail for every rule
    std::vector<link_status> links;
};

}  // namespace etcdsync::replication
