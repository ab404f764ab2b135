// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/processes.hpp"

#include <string_view>

namespace etcdsync::test {

/// The value of a metric of etcd. `name` includes the labels: `grpc_server_started_total{...}`.
/// Throws if there is no such metric.
long metric(const etcd_server& of, std::string_view name);

/// The number of Authenticate requests of all clients.
long token_requests(const etcd_server& of);

}  // namespace etcdsync::test
