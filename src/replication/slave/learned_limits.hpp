// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "replication/slave/batch.hpp"
#include "replication/slave/txn_limits.hpp"

#include <cstddef>
#include <string>

namespace etcdsync::replication {

/// Learns how large a Txn one slave takes: smaller ones after it refused one, or after the line did not carry one; larger ones
/// again after successes, up to what is configured. A limit that turns out to be a lasting one is tried more and more rarely. Pure.
class learned_limits {
public:
    explicit learned_limits(const txn_limits& configured);

    [[nodiscard]] const txn_limits& now() const { return now_; }

    /// The slave refused a Txn. Returns false if its size was not the reason, or if it cannot be made smaller.
    [[nodiscard]] bool note_refused(const etcd::error& why, const batch& writes);

    enum class loss {
        timeout,  ///< no answer in time. One may be a slow disk; the second one in a row counts
        broken,   ///< the connection broke
    };
    /// A Txn was not answered. A single revision gets three attempts as one Txn.
    void note_unanswered(const batch& writes, loss how);

    void note_success(const batch& writes);

    /// True if the slave refused a single write of this size as too large.
    [[nodiscard]] bool is_refused(const etcd::operation& write) const { return write.encoded_size() >= refused_; }

private:
    void note_shrunk();
    void grow();

    txn_limits configured_;
    txn_limits now_;
    std::size_t refused_ = std::string::npos;  ///< bytes of the smallest single write that was refused as too large
    unsigned unanswered_ = 0;                  ///< consecutive Txns
    unsigned credit_ = 0;                      ///< successes since the limits changed; large Txns count more
    unsigned credit_to_grow_;
    bool has_grown_ = false;  ///< since they shrank last
};

/// Adds the key and its size to the error if a single write is too large.
[[nodiscard]] etcd::error with_key_size(etcd::error refused, const batch& writes);

}  // namespace etcdsync::replication
