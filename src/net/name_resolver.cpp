// SPDX-License-Identifier: Apache-2.0
#include "net/name_resolver.hpp"

#include "net/threaded_resolver.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace etcdsync::net {
namespace {

using aio::asio::ip::tcp;

name_resolver::answer ask_system(const std::string& host) {
    aio::asio::io_context never_run;  // Asio's own loop would ask for one name after the other
    tcp::resolver names(never_run);
    boost::system::error_code ec;
    const auto entries = names.resolve(host, "", ec);
    if (ec) return base::error(ec.message());
    std::vector<aio::asio::ip::address> found;
    for (const auto& entry : entries) found.push_back(entry.endpoint().address());
    return found;
}

}  // namespace

name_resolver& system_resolver() {
    constexpr std::size_t most_threads = 32;
    static threaded_resolver only(ask_system, most_threads);
    return only;
}

}  // namespace etcdsync::net
