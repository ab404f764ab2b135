// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "grpc/status.hpp"
#include "http2/session.hpp"

#include <string_view>

/// What HTTP says, as a gRPC code (doc/http-grpc-status-mapping.md; grpc-go internal/transport/http_util.go).
namespace etcdsync::grpc {

/// For a response without grpc-status; `http_status` as in `:status`.
[[nodiscard]] code from_http_status(std::string_view http_status);

/// For a stream that ended without trailers.
[[nodiscard]] code from_reset(http2::error_code reset);

}  // namespace etcdsync::grpc
