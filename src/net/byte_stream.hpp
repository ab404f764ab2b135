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

/// Where a connection goes.
struct endpoint {
    std::string url;   ///< as configured, for messages
    std::string host;  ///< a name, an IPv4 or (without brackets) an IPv6 literal
    std::uint16_t port = 0;
    std::shared_ptr<tls_client> tls;  ///< how to speak TLS there; null: plain HTTP/2
    std::string socket;               ///< path of a Unix socket; host and port are then unset

    /// host:port, IPv6 in brackets, or the path of the socket: as messages name it.
    [[nodiscard]] std::string name() const;

    /// What the :authority of requests says (RFC 9113 section 8.3.1): "localhost" for a Unix socket, as a path may be no host.
    [[nodiscard]] std::string authority() const;
};

/// Why a connection could not be made, or broke.
struct failure {
    failure() = default;
    failure(base::error e) : text(std::move(e.text)) {}  // NOLINT: most failures are just that
    failure(std::string what, bool refused) : text(std::move(what)), access_denied(refused) {}

    std::string text;            ///< one sentence; of a stream: without the name of the peer
    bool access_denied = false;  ///< the peer does not let us in (TLS: it refused our certificate, or wants one)
};

[[noreturn]] inline void throw_exception_from_error(const failure& e, const boost::source_location&) {
    throw std::runtime_error(e.text);
}

template <class T>
using result = base::result<T, failure>;

/// A connection as bytes: a socket, TLS over one, or memory in a test.
class byte_stream {
public:
    virtual ~byte_stream() = default;

    /// At least one byte, or 0 at the end of the stream.
    virtual aio::awaitable<result<std::size_t>> read_some(aio::asio::mutable_buffer into) = 0;

    /// All of it. One write at a time.
    virtual aio::awaitable<result<void>> write(aio::asio::const_buffer bytes) = 0;

    /// Ends what is under way with an error. May be called more than once.
    virtual void close() = 0;
};

/// The only maker of connections. Injected: nothing else touches sockets.
class dialer {
public:
    virtual ~dialer() = default;

    /// Fails at `deadline` at the latest, with a sentence that names the endpoint and the phase.
    virtual aio::awaitable<result<std::unique_ptr<byte_stream>>> dial(endpoint to, aio::clock::time_point deadline) = 0;
};

}  // namespace etcdsync::net
