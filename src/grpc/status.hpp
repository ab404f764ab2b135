// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace etcdsync::grpc {

/// gRPC status codes (grpc/doc/statuscodes.md).
enum class code : std::uint8_t {
    ok = 0,
    cancelled = 1,
    unknown = 2,
    invalid_argument = 3,
    deadline_exceeded = 4,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    aborted = 10,
    out_of_range = 11,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,
    data_loss = 15,
    unauthenticated = 16,
};

/// The name of a code, such as "UNAVAILABLE".
[[nodiscard]] std::string_view to_string(code c);

/// Who ended the call.
enum class origin : std::uint8_t {
    server,      ///< the server, by its grpc-status
    connection,  ///< the stream or connection broke, or the peer does not speak gRPC
    deadline,    ///< our own deadline; never derived from a code (codes differ between versions)
    local,       ///< canceled by us
};

/// The result of a call.
struct status {
    status() = default;
    status(code c, std::string text, origin o, bool was_unprocessed = false)
        : value(c), message(std::move(text)), from(o), unprocessed(was_unprocessed) {}

    code value = code::ok;
    std::string message;
    origin from = origin::server;
    bool unprocessed = false;  ///< the server did not process the request, so any request may be sent again

    [[nodiscard]] bool ok() const { return value == code::ok; }
};

}  // namespace etcdsync::grpc
