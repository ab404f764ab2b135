// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/certificates.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace etcdsync::test {

/// How an etcd listens, in addition to the plaintext port that the tests themselves use.
struct listener_options {
    /// "https://127.0.0.1", "https://[::1]", "http://localhost" ..., without a port; or "unix";
    /// empty: none.
    std::string address;
    certificate shown;      ///< with https
    std::string client_ca;  ///< with https: the CA of the required client certificates; empty: none required
    /// HTTP/1 is served on the next port. Then gRPC's own server has this port, not Go's HTTP/2
    /// server.
    bool grpc_alone = false;

    [[nodiscard]] bool needs_port() const { return !address.empty() && address != "unix"; }

    /// The URL for a configuration. `directory` is the working directory of etcd.
    [[nodiscard]] std::string url(const std::string& directory, std::uint16_t port) const;

    /// Removes the socket that a killed etcd left in `directory`; the next one cannot start with
    /// it.
    static void clear(const std::string& directory);

    /// The flags of etcd. `plain` is the URL of its plaintext port.
    [[nodiscard]] std::vector<std::string> flags(const std::string& plain, std::uint16_t port) const;
};

}  // namespace etcdsync::test
