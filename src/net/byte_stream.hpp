// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"
#include "aio/clock.hpp"
#include "base/result.hpp"

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace etcdsync::net {

class tls_client;

/// The destination of a connection.
struct endpoint {
    std::string url;   ///< as configured, for messages
    std::string host;  ///< a name, an IPv4 address or an IPv6 address without brackets
    std::uint16_t port = 0;
    std::shared_ptr<tls_client> tls;  ///< TLS settings; null: plain HTTP/2
    std::string socket;               ///< path of a Unix socket; then host and port are unset

    /// The name used in messages: host:port, with IPv6 addresses in brackets, or the path of the
    /// socket.
    [[nodiscard]] std::string name() const;

    /// The :authority of requests (RFC 9113 section 8.3.1). For a Unix socket it is "localhost",
    /// because a path is not a valid host.
    [[nodiscard]] std::string authority() const;
};

/// The reason why a connection could not be made, or broke.
struct failure {
    failure() = default;
    failure(base::error e) : text(std::move(e.text)) {}  // NOLINT: most failures are only a text
    failure(std::string what, bool denied) : text(std::move(what)), access_denied(denied) {}

    std::string text;            ///< one sentence; errors of a stream do not name the peer
    bool access_denied = false;  ///< the peer rejected our TLS certificate, or requires one
};

[[noreturn]] inline void throw_exception_from_error(const failure& e, const boost::source_location&) {
    throw std::runtime_error(e.text);
}

template <class T>
using result = base::result<T, failure>;

/// A connection as a stream of bytes: a socket, TLS over a socket, or memory in a test.
class byte_stream {
public:
    virtual ~byte_stream() = default;

    /// Reads at least one byte; returns 0 at the end of the stream.
    virtual aio::awaitable<result<std::size_t>> read_some(aio::asio::mutable_buffer into) = 0;

    /// Writes all bytes. Only one write at a time.
    virtual aio::awaitable<result<void>> write(aio::asio::const_buffer bytes) = 0;

    /// How many of the written bytes the peer's host has taken. With TLS, bytes of the plain text; may be too few by what TLS
    /// adds, until all were taken.
    [[nodiscard]] virtual std::uint64_t taken() = 0;

    /// Closes the stream; pending operations end with an error. May be called more than once.
    virtual void close() = 0;
};

/// Makes all outgoing connections. It is injected: nothing else opens sockets.
class dialer {
public:
    virtual ~dialer() = default;

    /// Connects to an endpoint. Fails at `deadline` at the latest; the error names the endpoint and
    /// the phase.
    virtual aio::awaitable<result<std::unique_ptr<byte_stream>>> dial(endpoint to, aio::clock::time_point deadline) = 0;
};

}  // namespace etcdsync::net
