// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/migration.hpp"

#include <string>
#include <string_view>

namespace etcdsync::replication {

/// Encodes the Txn that carries out `plan`, for etcd::kv::txn(). It does nothing unless the checkpoints of `records` are still
/// as they were `found`. The new ones get `writer` and `time`. Precondition: the plan has steps, and checkpoints were found.
/// Pure.
[[nodiscard]] std::string encode_migration_txn(const migration& plan, const found_records& found,
                                               const record_set& records, std::string_view writer,
                                               std::string_view time, unsigned max_ops);

}  // namespace etcdsync::replication
