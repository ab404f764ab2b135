// SPDX-License-Identifier: Apache-2.0
#include "net/name_resolver.hpp"

#include "net/threaded_resolver.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <iterator>
#include <memory>
#include <netdb.h>
#include <system_error>

namespace etcdsync::net {
namespace {

using aio::asio::ip::address;

address address_of(const addrinfo& entry) {
    if (entry.ai_family == AF_INET) {
        const auto* const at = reinterpret_cast<const sockaddr_in*>(entry.ai_addr);
        return aio::asio::ip::address_v4(ntohl(at->sin_addr.s_addr));
    }
    const auto* const at = reinterpret_cast<const sockaddr_in6*>(entry.ai_addr);
    aio::asio::ip::address_v6::bytes_type bytes;
    std::copy(std::begin(at->sin6_addr.s6_addr), std::end(at->sin6_addr.s6_addr), bytes.begin());
    return aio::asio::ip::address_v6(bytes, at->sin6_scope_id);
}

/// Looks up a name with getaddrinfo. Asio's own resolver belongs to a loop and looks up one name
/// after the other.
name_resolver::answer resolve_with_system(const std::string& host) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* entries = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &entries);
    if (failed == EAI_SYSTEM) return base::error(std::generic_category().message(errno));
    if (failed != 0) return base::error(::gai_strerror(failed));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(entries, &::freeaddrinfo);
    std::vector<address> found;
    for (const addrinfo* at = entries; at != nullptr; at = at->ai_next) {
        if (at->ai_family == AF_INET || at->ai_family == AF_INET6) found.push_back(address_of(*at));
    }
    return found;
}

}  // namespace

name_resolver& system_resolver() {
    constexpr std::size_t max_threads = 32;
    static threaded_resolver only(resolve_with_system, max_threads);
    return only;
}

}  // namespace etcdsync::net
