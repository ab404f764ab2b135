// SPDX-License-Identifier: Apache-2.0
#include "net/tcp.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <vector>

namespace etcdsync::net {
namespace {

namespace asio = aio::asio;
using asio::ip::tcp;
using boost::system::error_code;

class tcp_stream final : public byte_stream {
public:
    explicit tcp_stream(tcp::socket socket) : socket_(std::move(socket)) {}

    aio::awaitable<base::result<std::size_t>> read_some(asio::mutable_buffer into) override {
        const auto [ec, count] = co_await socket_.async_read_some(into, aio::as_result);
        if (ec == asio::error::eof) co_return std::size_t{0};
        if (ec) co_return base::error(ec.message());
        co_return count;
    }

    aio::awaitable<base::result<void>> write(asio::const_buffer bytes) override {
        const auto [ec, count] = co_await asio::async_write(socket_, bytes, aio::as_result);
        if (ec) co_return base::error(ec.message());
        co_return base::result<void>();
    }

    void close() override {
        error_code ignored;
        socket_.close(ignored);
    }

private:
    tcp::socket socket_;
};

/// The addresses of `to`, or why there are none.
aio::awaitable<base::result<std::vector<tcp::endpoint>>> resolve(endpoint to, aio::clock& clock,
                                                                 aio::clock::time_point deadline) {
    std::vector<tcp::endpoint> found;
    error_code not_literal;
    const auto literal = asio::ip::make_address(to.host, not_literal);
    if (!not_literal) {
        found.emplace_back(literal, to.port);
        co_return found;
    }
    const auto executor = co_await asio::this_coro::executor;
    tcp::resolver resolver(executor);
    bool expired = false;
    const aio::alarm limit(clock, deadline, [&] {
        expired = true;
        resolver.cancel();
    });
    const std::string service = std::to_string(to.port);
    const auto [ec, entries] = co_await resolver.async_resolve(to.host, service, aio::as_result);
    if (expired) co_return base::error(fmt::format("look up {}: timed out", to.host));
    if (ec) co_return base::error(fmt::format("look up {}: {}", to.host, ec.message()));
    for (const auto& entry : entries) found.push_back(entry.endpoint());
    co_return found;
}

}  // namespace

std::string endpoint::authority() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

aio::awaitable<base::result<std::unique_ptr<byte_stream>>> tcp_dialer::dial(endpoint to,
                                                                            aio::clock::time_point deadline) {
    auto addresses = co_await resolve(to, *clock_, deadline);
    if (!addresses) co_return addresses.error();

    const auto executor = co_await asio::this_coro::executor;
    std::string why = "no address";
    for (const tcp::endpoint& address : *addresses) {
        tcp::socket socket(executor);
        bool expired = false;
        const aio::alarm limit(*clock_, deadline, [&] {
            expired = true;
            error_code ignored;
            socket.close(ignored);
        });
        const auto [ec] = co_await socket.async_connect(address, aio::as_result);
        if (!ec && !expired) {
            error_code only_slower;
            socket.set_option(tcp::no_delay(true), only_slower);
            std::unique_ptr<byte_stream> stream = std::make_unique<tcp_stream>(std::move(socket));
            co_return stream;
        }
        why = expired ? "timed out" : ec.message();
        if (expired) break;
    }
    co_return base::error(fmt::format("connect {}: {}", to.authority(), why));
}

}  // namespace etcdsync::net
