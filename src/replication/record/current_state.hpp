// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/record/checkpoint.hpp"

#include <cstdint>
#include <optional>

/// Reads of a master's current keys that tell something about its history.
namespace etcdsync::replication {

/// True if the selected keys that were last modified at the checkpoint's E are still what its events made them. False proves
/// nothing: a key of them may have changed since.
aio::awaitable<etcd::result<bool>> has_events_in_state(etcd::kv master, const mapping& keys, const checkpoint& record);

/// Finds, without any history, a revision at which the selected keys of the master are what they were at the checkpoint's R:
/// none of them is newer than R, and their number is the same. Nothing if they changed, or if that cannot be determined. It is
/// true only of a master that is proven to have the history of the checkpoint.
aio::awaitable<etcd::result<std::optional<revision>>> find_unchanged(etcd::kv master, const mapping& keys,
                                                                     const checkpoint& record);

/// The number of the master's keys in the sources of all segments at a revision; nothing if there are too many segments to count.
aio::awaitable<etcd::result<std::optional<std::int64_t>>> count_keys(etcd::kv from, const mapping& keys, revision at);

}  // namespace etcdsync::replication
