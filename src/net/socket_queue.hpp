// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace etcdsync::net {

/// Bytes that were written to a TCP or Unix socket and that the peer's host has not taken yet (SIOCOUTQ, tcp(7)); 0 if that is
/// unknown.
[[nodiscard]] std::uint64_t bytes_not_taken(int socket);

}  // namespace etcdsync::net
