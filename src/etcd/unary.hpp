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

/// The error of a call to `peer` that ended with `status`: classified, with the name of the peer,
/// and with advice if there is any.
[[nodiscard]] error to_error(const grpc::status& status, const net::endpoint& peer);

/// The error for a response that etcd would not send.
[[nodiscard]] error bad_response(const net::endpoint& peer, std::string_view what);

/// The options of every unary call. `timeout` is the longest time without progress (design.md section 6, Deadlines). With
/// `hasleader`, a member without a leader refuses at once (etcd-wire.md 3.6). A response of more than `max_response` bytes is an
/// error.
[[nodiscard]] net::call_options unary_options(aio::clock::duration timeout,
                                              std::size_t max_response = net::default_max_message);

/// Reads the status that follows the message of a unary call. Returns nothing if the call
/// succeeded.
aio::awaitable<std::optional<error>> read_status(net::call& call, const net::endpoint& peer);

/// Sends one message, gRPC prefix included, and returns the one response. `path` must outlive the
/// call.
aio::awaitable<result<std::string>> unary(net::channel& on, std::string_view path, std::string framed,
                                          const net::call_options& options);

}  // namespace etcdsync::etcd
