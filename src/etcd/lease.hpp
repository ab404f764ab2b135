// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "etcd/error.hpp"
#include "net/channel.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace etcdsync::etcd {

using lease_id = std::int64_t;

struct granted_lease {
    lease_id id = 0;
    std::chrono::seconds ttl{0};  ///< etcd raises a TTL below its election timeout
};

/// The Lease service on one connection. A call ends after `timeout` at the latest. If its token is
/// refused, it is repeated once with a new token.
class leases {
public:
    leases(std::shared_ptr<net::channel> on, aio::clock& clock, aio::clock::duration timeout)
        : channel_(std::move(on)), clock_(&clock), timeout_(timeout) {}

    /// Creates a lease with an id that the server chooses. If the response is lost, the lease ends
    /// by itself.
    aio::awaitable<result<granted_lease>> grant(std::chrono::seconds ttl);

    /// Ends a lease now, and deletes the keys attached to it. A lease that has ended already is not
    /// an error.
    aio::awaitable<result<void>> revoke(lease_id id);

private:
    aio::awaitable<result<granted_lease>> send_grant(std::chrono::seconds ttl);
    aio::awaitable<result<void>> send_revoke(lease_id id);

    std::shared_ptr<net::channel> channel_;
    aio::clock* clock_;
    aio::clock::duration timeout_;
};

/// Renews one lease over one LeaseKeepAlive stream, which is opened with the first renewal. No
/// revision of the store.
class lease_renewal {
public:
    lease_renewal(std::shared_ptr<net::channel> on, aio::clock& clock, aio::clock::duration timeout, lease_id id)
        : channel_(std::move(on)), clock_(&clock), timeout_(timeout), id_(id) {}

    /// Renews the lease, and returns its TTL. Class `lease_not_found` if it has ended. A success is
    /// no proof that the lease still exists (etcd-wire.md section 8). After any error the next call
    /// opens a new stream. One call at a time.
    aio::awaitable<result<std::chrono::seconds>> renew();

private:
    aio::awaitable<result<std::chrono::seconds>> exchange();

    std::shared_ptr<net::channel> channel_;
    aio::clock* clock_;
    aio::clock::duration timeout_;
    lease_id id_;
    std::unique_ptr<net::call> stream_;
    std::uint64_t access_ = 0;  ///< of the token that the stream carries
};

}  // namespace etcdsync::etcd
