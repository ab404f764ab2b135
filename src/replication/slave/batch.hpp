// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/txn.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/master/log.hpp"
#include "replication/record/mapped_revision.hpp"
#include "replication/slave/txn_limits.hpp"

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace etcdsync::replication {

/// The writes of the next Txn. Values are not copied; the batch keeps the buffers they were received in alive, except a buffer of
/// which it needs only a small part: it copies that part. The writes refer to keys that the batch owns, so it cannot be copied;
/// moving leaves the keys where they are.
class batch {
public:
    explicit batch(const txn_limits& limits);
    batch(batch&&) = default;
    batch& operator=(batch&&) = default;
    batch(const batch&) = delete;
    batch& operator=(const batch&) = delete;
    ~batch() = default;

    /// Adds the writes of `mapped` to keys of the slave below `frontier` (nothing: to all keys).
    /// The last write of a key wins. Moves the mapped keys out of `mapped` if they fit. Returns
    /// false, and adds nothing, if the revision does not fit completely: a revision is never split
    /// here.
    [[nodiscard]] bool add(mapped_revision& mapped, const mapping& keys, const std::optional<std::string>& frontier);

    /// True if the whole batch fits in one Txn of `limits`.
    [[nodiscard]] bool fits_in(const txn_limits& limits) const;

    /// Adds one write whose key is not in the batch yet. Returns false if it does not fit.
    [[nodiscard]] bool add(etcd::event_type type, std::string_view key, std::string_view value,
                           const base::shared_buffer& owner);

    /// Adds a delete of all keys of a range of the slave. The batch must contain nothing else.
    void add_range_delete(const keys::key_range& range);

    [[nodiscard]] bool empty() const { return writes_.empty(); }
    [[nodiscard]] const std::vector<etcd::operation>& writes() const { return writes_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// The size of the buffers that it keeps alive.
    [[nodiscard]] std::size_t kept_bytes() const;

private:
    [[nodiscard]] bool fits(std::size_t more_writes, std::size_t more_bytes, std::size_t max_bytes) const;
    void put(const etcd::operation& write);
    void keep(const base::shared_buffer& owner);
    void copy_out_of_newest_buffer();

    std::size_t max_writes_;
    std::size_t max_bytes_;
    std::size_t max_revision_bytes_;
    std::vector<etcd::operation> writes_;
    std::unordered_map<std::string_view, std::size_t> index_;  ///< used only to fold revisions
    std::deque<std::string> owned_;                            ///< keys of the slave, and copied values; never moved
    std::vector<base::shared_buffer> owners_;
    std::size_t newest_begin_ = 0;  ///< the first single write with a value in owners_.back()
    std::size_t bytes_ = 0;
};

}  // namespace etcdsync::replication
