// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/hostile_server.hpp"

#include <chrono>
#include <string>
#include <vector>

/// The cases of hostile and broken servers, by layer (facts/faults.md section 5).
namespace etcdsync::test {

struct hostile_case {
    std::string name;
    behavior how;
    std::chrono::milliseconds lasts{200};  ///< how long to wait after the first deviation
};

using hostile_cases = std::vector<hostile_case>;

/// Connections that are not valid HTTP/2, before any request.
[[nodiscard]] hostile_cases connection_cases();
/// Floods of frames without content.
[[nodiscard]] hostile_cases flood_cases();
/// Responses that violate HTTP/2 or HTTP, and responses of proxies.
[[nodiscard]] hostile_cases http_cases();
/// Responses that violate gRPC.
[[nodiscard]] hostile_cases grpc_cases();
/// Valid and invalid gRPC statuses.
[[nodiscard]] hostile_cases status_cases();
/// Invalid responses to Range.
[[nodiscard]] hostile_cases range_cases();
/// Invalid responses to Txn, and invalid checkpoints; only slaves send these.
[[nodiscard]] hostile_cases slave_cases();
/// Invalid messages of a watch; only masters send these.
[[nodiscard]] hostile_cases watch_cases();

/// Appends `more` to `all`.
void append(hostile_cases& all, hostile_cases more);

}  // namespace etcdsync::test
