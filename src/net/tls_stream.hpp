// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/byte_stream.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>

namespace etcdsync::net {

using stream_socket = aio::asio::generic::stream_protocol::socket;

/// TLS over a connected socket.
class tls_stream : public byte_stream {
public:
    /// Must be called once, before anything else. Verifies the certificate chain and the name of
    /// the server, and that it speaks HTTP/2. Has no time limit: use close() to end it.
    virtual aio::awaitable<result<void>> handshake() = 0;
};

/// Wraps a connected socket. `to.tls` must be set, and `context` is its context.
[[nodiscard]] std::unique_ptr<tls_stream> make_tls_stream(stream_socket socket,
                                                          std::shared_ptr<aio::asio::ssl::context> context,
                                                          const endpoint& to);

}  // namespace etcdsync::net
