// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "replication/slave/batch.hpp"

namespace etcdsync::replication {

/// What a refused Txn says about the slave's limits. False: it is no matter of size, or cannot be made smaller.
[[nodiscard]] bool shrink_limits(const etcd::error& refused, const batch& writes, txn_limits& limits);

/// What a Txn without an answer in time says: the slave is too slow for as much. A single revision is given three tries whole.
void shrink_after_timeout(const batch& writes, txn_limits& limits);

/// Where one key alone is too large: the error with the key and its size.
[[nodiscard]] etcd::error name_the_key(etcd::error refused, const batch& writes);

/// Below this a Txn says nothing of how much the slave can take in time.
[[nodiscard]] bool is_large(const batch& writes);

}  // namespace etcdsync::replication
