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

/// What a running replicator reports, in the same words everywhere: status, log, page, metrics.
namespace etcdsync::replication {

enum class link_state : std::uint8_t {
    connecting,  ///< dialing, reading and claiming the checkpoint, or waiting for the master
    full_sync,
    catching_up,
    in_sync,
    disconnected,  ///< `cause` says why, `next_try` when the next attempt is made
    held,          ///< stopped by a guard until a person approves
    paused,
    stopped,
};

/// "full sync": as people read it.
[[nodiscard]] std::string_view to_string(link_state state);

/// As people read it: the slave, or "slave/rule" in consistency = "rule".
[[nodiscard]] inline std::string link_name(const std::string& slave, std::string_view rule) {
    return rule.empty() ? slave : slave + "/" + base::printable(rule);
}

/// How far a full sync is.
struct sync_progress {
    std::string_view pass;    ///< "repair" or "prune"; empty while none is under way
    std::uint64_t done = 0;   ///< keys of the master compared
    std::uint64_t total = 0;  ///< keys of the master to compare, counted when the pass began; 0: not known yet
    std::uint64_t bytes = 0;  ///< written to the slave
};

struct link_status {
    std::string name;  ///< link_name()
    std::string slave;
    std::string rule;       ///< in consistency = "rule": the one this link is for, else empty
    std::string endpoints;  ///< for messages: the configured URLs
    link_state state = link_state::connecting;
    aio::clock::time_point since;     ///< when this state began
    std::string cause;                ///< why, and what happens next; empty where there is nothing to explain
    aio::clock::time_point next_try;  ///< while disconnected
    etcd::revision applied = 0;       ///< R; 0: not known yet
    etcd::revision known = 0;         ///< of the master: all changes of this link's keys up to here are known
    sync_progress progress;
    std::uint64_t puts = 0;  ///< written by this process
    std::uint64_t deletes = 0;
    std::uint64_t splits = 0;           ///< revisions of the master that fitted in no Txn, applied in parts
    etcd::revision split_revision = 0;  ///< the last of them
    std::uint64_t kept_keys =
        0;  ///< only on the slave, by the last full sync, kept by `delete = false` or `prune = "off"`
    std::uint64_t foreign_keys = 0;  ///< found at the last full sync and kept: they stood there before we came
    etcd::error_class failure = etcd::error_class::retry;  ///< while disconnected: of what kind `cause` is
    bool finished =
        false;  ///< of a one-shot job: nothing more comes; `state` (in_sync, held, disconnected) is how it ended
};

/// Of several feeds (consistency = "rule") the least that is true of all.
struct master_status {
    std::string endpoint;  ///< the one in use, or the configured ones
    bool connected = false;
    aio::clock::time_point since;
    std::string cause;                                     ///< why it is not connected, and what happens next
    etcd::error_class failure = etcd::error_class::retry;  ///< while not connected: of what kind `cause` is
    std::uint64_t violations = 0;                          ///< of the contract of its watch
    etcd::revision known = 0;                              ///< everything up to here is known
    std::uint64_t cluster_id = 0;
};

struct status {
    master_status master;
    bool master_serves = false;  ///< some feed is connected: the master does not fail for every rule
    std::vector<link_status> links;
};

}  // namespace etcdsync::replication
