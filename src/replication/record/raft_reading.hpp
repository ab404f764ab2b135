// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "keys/key_range.hpp"
#include "replication/record/raft_position.hpp"
#include "replication/status/context.hpp"

#include <memory>

namespace etcdsync::replication {

/// What a master says of its raft log.
struct raft_reading {
    raft_position lowest;       ///< to record; unknown if it cannot be told (see read_raft_position())
    std::string contradiction;  ///< with what was recorded; empty: none
};

/// Reads where the master at the other end of `on` is in its raft log, and compares it with `recorded`. Each sample is taken
/// between two linearizable reads of `cover` from the same member. If one contradicts `recorded`, more are taken over three
/// seconds, because an index that was read next to a later revision looks too low.
/// Unknown if Status is absent, permitted to root only (etcd 3.4.42-45, 3.5.28-31, 3.6.0-11), or answered by changing members
/// behind a proxy. Fails only if the master does not answer reads of keys.
aio::awaitable<etcd::result<raft_reading>> read_raft_position(std::shared_ptr<net::channel> on, const context& with,
                                                              aio::clock::duration timeout, keys::key_range cover,
                                                              raft_position recorded);

}  // namespace etcdsync::replication
