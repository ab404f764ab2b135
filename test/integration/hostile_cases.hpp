// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/hostile_server.hpp"

#include <chrono>
#include <string>
#include <vector>

/// What hostile and broken servers do to us, case by case (facts/faults.md section 5, by layer).
namespace etcdsync::test {

struct hostile_case {
    std::string name;
    behavior how;
    std::chrono::milliseconds lasts{200};  ///< how long it is watched, once the daemon came to it
};

using hostile_cases = std::vector<hostile_case>;

/// Before any request: what is not HTTP/2, or no good one.
[[nodiscard]] hostile_cases connection_cases();
/// Floods of frames that bring nothing.
[[nodiscard]] hostile_cases flood_cases();
/// Answers that HTTP/2, or HTTP, does not allow, and those of proxies.
[[nodiscard]] hostile_cases http_cases();
/// Answers that gRPC does not allow.
[[nodiscard]] hostile_cases grpc_cases();
/// Statuses, as they are and as they are not.
[[nodiscard]] hostile_cases status_cases();
/// What stands in the answers to a Range.
[[nodiscard]] hostile_cases range_cases();
/// What stands in the answers to a Txn, and in the record: of slaves.
[[nodiscard]] hostile_cases slave_cases();
/// What a watch tells: of masters.
[[nodiscard]] hostile_cases watch_cases();

/// `more` behind `all`.
void append(hostile_cases& all, hostile_cases more);

}  // namespace etcdsync::test
