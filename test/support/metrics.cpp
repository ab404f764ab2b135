// SPDX-License-Identifier: Apache-2.0
#include "support/metrics.hpp"

#include "support/loopback.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace etcdsync::test {
namespace {

/// The response of an HTTP/1 server on loopback, including the headers.
std::string http_get(std::uint16_t port, std::string_view path) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in to = loopback(port);
    const std::string request = fmt::format("GET {} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", path);
    std::string answer;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
        ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
        std::array<char, 16U << 10> part;
        for (ssize_t count = 0; (count = ::recv(fd, part.data(), part.size(), 0)) > 0;)
            answer.append(part.data(), static_cast<std::size_t>(count));
    }
    ::close(fd);
    return answer;
}

}  // namespace

long metric(const etcd_server& of, std::string_view name) {
    const std::string all = http_get(of.port(), "/metrics");
    const std::string line = fmt::format("\n{} ", name);
    const std::size_t at = all.find(line);
    if (at == std::string::npos) throw std::runtime_error(fmt::format("etcd has no metric {}", name));
    return static_cast<long>(std::strtod(all.c_str() + at + line.size(), nullptr));
}

long token_requests(const etcd_server& of) {
    return metric(of,
                  "grpc_server_started_total{grpc_method=\"Authenticate\",grpc_service=\"etcdserverpb.Auth\","
                  "grpc_type=\"unary\"}");
}

}  // namespace etcdsync::test
