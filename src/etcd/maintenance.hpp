// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "etcd/error.hpp"
#include "etcd/wire.hpp"
#include "net/channel.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace etcdsync::etcd {

/// The database of one member, in bytes.
struct database_size {
    std::uint64_t used = 0;   ///< size of its file: what etcd compares with the quota
    std::uint64_t quota = 0;  ///< 0: not reported (before etcd 3.6)
};

/// What one member says of itself, without asking the others.
struct member_status {
    response_header header;        ///< the member's own revision, which may be older than the cluster's
    std::uint64_t raft_term = 0;   ///< as the member knows it
    std::uint64_t raft_index = 0;  ///< of the last committed entry, which may not be applied yet
    database_size database;
};

/// Decodes a StatusResponse; nothing if it is malformed.
[[nodiscard]] std::optional<member_status> decode_status(std::string_view message);

/// Asks the member at the other end of `on`. With authentication enabled, some versions of etcd permit that to root only.
aio::awaitable<result<member_status>> read_status(std::shared_ptr<net::channel> on, aio::clock::duration timeout);

}  // namespace etcdsync::etcd
