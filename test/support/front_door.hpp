// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/certificates.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace etcdsync::test {

/// Where and how an etcd listens beside the plaintext port that tests look at it by.
struct front_door {
    std::string
        address;  ///< "https://127.0.0.1", "https://[::1]", "http://localhost" ..., without a port; "unix"; empty: none
    certificate shown;      ///< with https
    std::string client_ca;  ///< with https: who calls must show a certificate of this authority; empty: nobody is asked
    /// HTTP/1 is served at the next port: gRPC's own server has this one, and not Go's of HTTP/2.
    bool grpc_alone = false;

    [[nodiscard]] bool needs_port() const { return !address.empty() && address != "unix"; }

    /// As a configuration has it. `directory`: where etcd was started.
    [[nodiscard]] std::string url(const std::string& directory, std::uint16_t port) const;

    /// What an etcd that was killed left in `directory`, and the next one would stumble over.
    static void clear(const std::string& directory);

    /// Of etcd; `plain`: where else it listens.
    [[nodiscard]] std::vector<std::string> flags(const std::string& plain, std::uint16_t port) const;
};

}  // namespace etcdsync::test
