// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace etcdsync::replication {

/// The limits of one Txn on a slave.
struct txn_limits {
    unsigned max_ops = 128;            ///< the server's --max-txn-ops
    bool nested = true;                ///< false: it accepts no Txn inside a Txn
    std::size_t max_bytes = 1U << 20;  ///< of operations
    /// The limit of a single revision, so that it need not be split: slightly below etcd's default
    /// --max-request-bytes.
    std::size_t max_revision_bytes = (3U << 19) - (16U << 10);

    /// The number of writes that fit in addition to the checkpoint.
    [[nodiscard]] std::size_t max_writes() const;

    /// No limits: for writes that need not fit in one Txn.
    [[nodiscard]] static txn_limits none() {
        txn_limits out;
        out.max_ops = unlimited_ops;
        out.max_bytes = std::string::npos;
        return out;
    }
    static constexpr unsigned unlimited_ops = ~0U;
};

}  // namespace etcdsync::replication
