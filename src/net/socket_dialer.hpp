// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/byte_stream.hpp"
#include "net/name_resolver.hpp"
#include "net/tls_stream.hpp"

#include <map>
#include <string>
#include <vector>

namespace etcdsync::net {

/// Dials TCP or a Unix socket, with TLS if the endpoint has TLS settings; plain HTTP/2 is used with
/// prior knowledge (etcd-wire.md 1.6). Literal addresses are not looked up. A name is looked up for
/// each connection, and its addresses are tried in turn; they share the remaining time equally. If
/// a lookup fails or takes half of the time, the addresses of the last one are used. The deadline
/// and cancellation end dial() at once, even if a lookup hangs, which then continues in the
/// background.
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
    aio::awaitable<result<std::unique_ptr<byte_stream>>> start_tls(stream_socket socket, const endpoint& to,
                                                                   aio::clock::time_point deadline);

    aio::clock* clock_;
    name_resolver* names_;
    std::map<std::string, std::vector<aio::asio::ip::address>>
        last_addresses_;  ///< results of the last lookup of each name
};

}  // namespace etcdsync::net
