// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "etcd/error.hpp"
#include "net/channel.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace etcdsync::etcd {

/// What it means that a call to `peer` ended like this: classified, with the peer's name and where we know it what to do.
[[nodiscard]] error to_error(const grpc::status& status, const net::endpoint& peer);

/// An answer that is none.
[[nodiscard]] error bad_answer(const net::endpoint& peer, std::string_view what);

/// For every unary call: a member that lost its leader refuses at once instead of letting us wait (etcd-wire.md 3.6). An answer of
/// more than `max_answer` bytes is refused.
[[nodiscard]] net::call_options unary_options(aio::clock::time_point deadline,
                                              std::size_t max_answer = net::default_max_message);

/// A unary call ends with its status behind the message. Nothing: it ended well.
aio::awaitable<std::optional<error>> end_of(net::call& call, const net::endpoint& peer);

/// Sends one message, which has its prefix already, and gives the one answer. `path` outlives the call.
aio::awaitable<result<std::string>> unary(net::channel& on, std::string_view path, std::string framed,
                                          const net::call_options& options);

}  // namespace etcdsync::etcd
