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

/// Where a connection goes.
struct endpoint {
    std::string url;   ///< as configured, for messages
    std::string host;  ///< a name, an IPv4 or (without brackets) an IPv6 literal
    std::uint16_t port = 0;
    bool tls = false;

    /// host:port as the :authority of requests wants it; IPv6 in brackets.
    [[nodiscard]] std::string authority() const;
};

/// A connection as bytes: TCP, later TLS, or memory in a test.
class byte_stream {
public:
    virtual ~byte_stream() = default;

    /// At least one byte, or 0 at the end of the stream.
    virtual aio::awaitable<base::result<std::size_t>> read_some(aio::asio::mutable_buffer into) = 0;

    /// All of it. One write at a time.
    virtual aio::awaitable<base::result<void>> write(aio::asio::const_buffer bytes) = 0;

    /// Ends what is under way with an error. May be called more than once.
    virtual void close() = 0;
};

/// The only maker of connections. Injected: nothing else touches sockets.
class dialer {
public:
    virtual ~dialer() = default;

    /// Fails at `deadline` at the latest, with a sentence that names the endpoint and the phase.
    virtual aio::awaitable<base::result<std::unique_ptr<byte_stream>>> dial(endpoint to,
                                                                            aio::clock::time_point deadline) = 0;
};

}  // namespace etcdsync::net
