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
    /// To be done first, once: verifies the chain and the name of the server, and that it speaks HTTP/2. It does not end by itself
    /// where the peer is silent: close().
    virtual aio::awaitable<result<void>> shake_hands() = 0;
};

/// `to.tls` is set; `by` is its context.
[[nodiscard]] std::unique_ptr<tls_stream> make_tls_stream(stream_socket socket,
                                                          std::shared_ptr<aio::asio::ssl::context> by,
                                                          const endpoint& to);

}  // namespace etcdsync::net
