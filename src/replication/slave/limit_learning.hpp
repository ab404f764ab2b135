// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "replication/slave/batch.hpp"

namespace etcdsync::replication {

/// Lowers the limits after a slave refused a Txn. Returns false if its size was not the reason, or
/// if it cannot be made smaller.
[[nodiscard]] bool shrink_limits(const etcd::error& refused, const batch& writes, txn_limits& limits);

/// Lowers the limits after a Txn timed out: the slave is too slow for that much. A single revision
/// gets three attempts as one Txn.
void shrink_after_timeout(const batch& writes, txn_limits& limits);

/// Adds the key and its size to the error if a single write is too large.
[[nodiscard]] etcd::error with_key_size(etcd::error refused, const batch& writes);

/// True if a Txn is large enough that a timeout says something about the limits of the slave.
[[nodiscard]] bool is_large(const batch& writes);

}  // namespace etcdsync::replication
