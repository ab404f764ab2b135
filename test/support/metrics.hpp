// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/processes.hpp"

#include <string_view>

namespace etcdsync::test {

/// What etcd counts under `name`, labels included: `grpc_server_started_total{...}`. Throws where it has no such metric.
long metric(const etcd_server& of, std::string_view name);

/// How often it was asked for a token, by whomever.
long tokens_asked_for(const etcd_server& of);

}  // namespace etcdsync::test
