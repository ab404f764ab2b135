// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/byte_stream.hpp"
#include "net/name_resolver.hpp"
#include "net/tls_stream.hpp"

#include <map>
#include <string>
#include <vector>

namespace etcdsync::net {

/// TCP or a Unix socket, and TLS over it where the endpoint wants it; plain HTTP/2 is with prior knowledge (etcd-wire.md 1.6).
/// Literal addresses are not resolved. A name is looked up for each connection, and tried at each of its addresses in turn; none of
/// them takes more than its share of the time. Where a look-up fails or takes half of the time the addresses of the last one serve.
/// A deadline and a cancellation end it at once, also where a look-up hangs: that is left to end by itself.
class socket_dialer final : public dialer {
public:
    explicit socket_dialer(aio::clock& clock, name_resolver& names = system_resolver())
        : clock_(&clock), names_(&names) {}

    aio::awaitable<result<std::unique_ptr<byte_stream>>> dial(endpoint to, aio::clock::time_point deadline) override;

private:
    aio::awaitable<name_resolver::answer> resolve(std::string host, aio::clock::time_point deadline);
    aio::awaitable<name_resolver::answer> look_up(std::string host, aio::clock::time_point deadline);
    aio::awaitable<result<stream_socket>> connect(aio::asio::generic::stream_protocol::endpoint address,
                                                  aio::clock::time_point deadline);
    aio::awaitable<result<std::unique_ptr<byte_stream>>> dial_address(
        aio::asio::generic::stream_protocol::endpoint address, const endpoint& to, aio::clock::time_point deadline);
    aio::awaitable<result<std::unique_ptr<byte_stream>>> secure(stream_socket socket, const endpoint& to,
                                                                aio::clock::time_point deadline);

    aio::clock* clock_;
    name_resolver* names_;
    std::map<std::string, std::vector<aio::asio::ip::address>> known_;  ///< what names led to the last time
};

}  // namespace etcdsync::net
