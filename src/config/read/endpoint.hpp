// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/toml/complaints.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>

/// The one place that takes addresses apart.
namespace etcdsync::config {

/// "http://host:port", "https://...", port 2379 where none is written, IPv6 in brackets; or "unix:///path".
[[nodiscard]] boost::system::result<endpoint, fault> parse_endpoint(std::string_view text);

/// "unix:/path", or "host:port" with IPv6 in brackets.
[[nodiscard]] boost::system::result<listen_address, fault> parse_listen_address(std::string_view text);

/// Equal for endpoints that lead to the same place.
[[nodiscard]] std::string address_of(const endpoint& e);

}  // namespace etcdsync::config
