// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/toml/complaints.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>

/// The only parser of addresses.
namespace etcdsync::config {

/// Parses "http://host:port" or "https://...", with default port 2379 and IPv6 in brackets, or
/// "unix:///path".
[[nodiscard]] boost::system::result<endpoint, fault> parse_endpoint(std::string_view text);

/// Parses "unix:/path", or "host:port" with IPv6 in brackets.
[[nodiscard]] boost::system::result<listen_address, fault> parse_listen_address(std::string_view text);

/// The address of an endpoint: equal for endpoints that lead to the same server.
[[nodiscard]] std::string address_of(const endpoint& e);

}  // namespace etcdsync::config
