// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "etcd/lease.hpp"
#include "etcd/watch.hpp"
#include "keys/key_range.hpp"
#include "replication/link/leadership.hpp"
#include "replication/status/context.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace etcdsync::replication {

/// Where the leader of a slave is recorded, and what it replicates.
struct leader_settings {
    std::string slave;          ///< for messages
    std::string key;            ///< leader_key()
    keys::key_range positions;  ///< where all checkpoints of this slave have theirs; a single key if `end` is empty
    std::string rules;          ///< digest of what is replicated to this slave
};

/// The lease of the leader key. It outlives connections.
struct held_lease {
    etcd::lease_id id = 0;  ///< 0: none
    std::chrono::seconds ttl{0};
    aio::clock::time_point next_renewal{};
};

/// What a leader, or a standby, asks of a slave, over one connection that nothing else uses: on a thin line a Txn would delay
/// the renewals of the lease.
class leader_client {
public:
    /// All arguments outlive this.
    leader_client(std::shared_ptr<net::channel> on, const context& with, std::chrono::milliseconds timeout,
                  const leader_settings& settings, held_lease& lease);
    ~leader_client();
    leader_client(const leader_client&) = delete;

    aio::awaitable<etcd::result<leader_view>> read_key();
    aio::awaitable<etcd::result<position_view>> read_positions();

    /// Puts the key with our lease, which is granted first if there is none, if the key is still as in `seen`. False if it is not.
    aio::awaitable<etcd::result<bool>> put(leader_view seen, std::string value);

    /// Renews our lease. If it has ended, or may not be renewed, it is forgotten.
    aio::awaitable<std::optional<etcd::error>> renew();

    [[nodiscard]] bool usable() const { return kv_.usable(); }

    /// Revokes our lease, if there is one.
    aio::awaitable<std::optional<etcd::error>> revoke();

    /// Calls `listener` when the leader key changes after revision `from`, and when the watch ends. Only a hint: a watch that has
    /// ended is opened again by a later call, after a probe interval at the earliest. Does nothing while it is open.
    void watch(revision from, std::function<void()> listener);
    [[nodiscard]] bool is_watching() const;

private:
    struct watched;

    aio::awaitable<std::optional<etcd::error>> grant();
    static aio::awaitable<> read_watch(std::shared_ptr<watched> of);

    etcd::kv kv_;
    etcd::leases leases_;
    const context& with_;
    std::chrono::milliseconds timeout_;
    const leader_settings& settings_;
    held_lease& lease_;
    std::unique_ptr<etcd::lease_renewal> renewal_;
    etcd::lease_id renewed_ = 0;  ///< the lease of `renewal_`
    std::shared_ptr<watched> watch_;
    aio::clock::time_point next_watch_{};
};

/// The slave does not let us do this, and will not soon.
[[nodiscard]] bool is_refusal(etcd::error_class cls);

}  // namespace etcdsync::replication
