// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/txn.hpp"
#include "replication/log.hpp"
#include "replication/mapping.hpp"

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

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

/// The writes of the next Txn. Values stay where they were received; the batch keeps those buffers alive.
class batch {
public:
    explicit batch(const txn_limits& limits);

    /// Adds what one revision does to the keys of the slave below `frontier` (none: to all). Last write per key wins.
    /// False, and nothing added, where the whole of it does not fit any more: a revision is never torn.
    [[nodiscard]] bool add(const log_entry& entry, const mapping& keys, const std::optional<std::string>& frontier);

    /// True where all of it is one Txn by `limits`.
    [[nodiscard]] bool fits_in(const txn_limits& limits) const;

    /// Adds one write whose key no other in the batch has. False where it does not fit any more.
    [[nodiscard]] bool add(etcd::event_type type, std::string_view key, std::string_view value,
                           const base::shared_buffer& owner);

    /// Adds the delete of all keys of a range of the slave. The batch holds nothing else.
    void add_range_delete(const config::key_range& range);

    [[nodiscard]] bool empty() const { return writes_.empty(); }
    [[nodiscard]] const std::vector<etcd::operation>& writes() const { return writes_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    [[nodiscard]] bool fits(std::size_t more_writes, std::size_t more_bytes, std::size_t max_bytes) const;
    void put(const etcd::operation& write);
    void keep(const base::shared_buffer& owner);

    std::size_t max_writes_;
    std::size_t max_bytes_;
    std::size_t max_revision_bytes_;
    std::vector<etcd::operation> writes_;
    std::unordered_map<std::string_view, std::size_t> place_;  ///< only once revisions are folded
    std::deque<std::string> keys_;                             ///< keys as the slave has them; never moved
    std::vector<base::shared_buffer> owners_;
    std::size_t bytes_ = 0;
};

}  // namespace etcdsync::replication
