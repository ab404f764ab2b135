// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "grpc/status.hpp"
#include "http2/session.hpp"

#include <string_view>

/// Maps HTTP statuses and errors to gRPC codes (doc/http-grpc-status-mapping.md; grpc-go
/// internal/transport/http_util.go).
namespace etcdsync::grpc {

/// The code for a response without grpc-status; `http_status` is the value of `:status`.
[[nodiscard]] code from_http_status(std::string_view http_status);

/// The code for a stream that was reset or closed without trailers.
[[nodiscard]] code from_reset(http2::error_code reset);

}  // namespace etcdsync::grpc
