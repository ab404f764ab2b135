// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace etcdsync::replication {

/// What one Txn on a slave may hold; learned downwards from the defaults when a slave refuses.
struct txn_limits {
    unsigned max_ops = 128;            ///< the server's --max-txn-ops
    bool nested = true;                ///< false: it takes no Txn inside a Txn
    std::size_t max_bytes = 1U << 20;  ///< of operations
    /// What one revision alone may take, so that it need not be torn: a little below etcd's default --max-request-bytes.
    std::size_t max_revision_bytes = (3U << 19) - (16U << 10);

    std::size_t refused = std::string::npos;  ///< bytes of the smallest single write the slave refused as too large
    unsigned unanswered = 0;                  ///< Txns in a row that the slave took too long for

    /// Writes that fit beside the record.
    [[nodiscard]] std::size_t max_writes() const;

    /// For what is not meant to be one Txn.
    [[nodiscard]] static txn_limits none() {
        txn_limits out;
        out.max_ops = unlimited_ops;
        out.max_bytes = std::string::npos;
        return out;
    }
    static constexpr unsigned unlimited_ops = ~0U;
};

}  // namespace etcdsync::replication
