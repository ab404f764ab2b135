// SPDX-License-Identifier: Apache-2.0
#include "support/listener_options.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace etcdsync::test {
namespace {

// etcd requires a port, also for Unix sockets, and allows no path: this is a file in its working
// directory.
constexpr std::string_view socket_name = "etcd:0";

}  // namespace

std::string listener_options::url(const std::string& directory, std::uint16_t port) const {
    if (address == "unix") return fmt::format("unix://{}/{}", directory, socket_name);
    return fmt::format("{}:{}", address, port);
}

void listener_options::clear(const std::string& directory) {
    std::filesystem::remove(fmt::format("{}/{}", directory, socket_name));
}

std::vector<std::string> listener_options::flags(const std::string& plain, std::uint16_t port) const {
    if (address.empty()) return {};
    const std::string url_of_listener =
        address == "unix" ? fmt::format("unix://{}", socket_name) : fmt::format("{}:{}", address, port);
    std::vector<std::string> all{"--listen-client-urls", fmt::format("{},{}", plain, url_of_listener)};
    if (!shown.cert.empty()) all.insert(all.end(), {"--cert-file", shown.cert, "--key-file", shown.key});
    if (!client_ca.empty()) all.insert(all.end(), {"--client-cert-auth", "--trusted-ca-file", client_ca});
    if (grpc_alone) all.insert(all.end(), {"--listen-client-http-urls", fmt::format("http://127.0.0.1:{}", port + 1)});
    return all;
}

}  // namespace etcdsync::test
