// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "etcd/error.hpp"
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

/// Decodes a StatusResponse; nothing if it is malformed.
[[nodiscard]] std::optional<database_size> decode_database_size(std::string_view message);

/// Asks the member at the other end of `on`. With authentication enabled, some versions of etcd permit that to root only.
aio::awaitable<result<database_size>> read_database_size(std::shared_ptr<net::channel> on,
                                                         aio::clock::time_point deadline);

}  // namespace etcdsync::etcd
