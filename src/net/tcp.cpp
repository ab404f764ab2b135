// SPDX-License-Identifier: Apache-2.0
#include "net/tcp.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <optional>
#include <utility>
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

class asio_resolver final : public name_resolver {
public:
    std::shared_ptr<void> look_up(const asio::any_io_executor& executor, const std::string& host,
                                  std::function<void(answer)> done) override {
        auto names = std::make_shared<tcp::resolver>(executor);
        names->async_resolve(
            host, "", [done = std::move(done)](const error_code& ec, const tcp::resolver::results_type& entries) {
                if (ec) return done(base::error(ec.message()));
                std::vector<asio::ip::address> found;
                for (const auto& entry : entries) found.push_back(entry.endpoint().address());
                done(std::move(found));
            });
        return names;
    }
};

}  // namespace

std::string endpoint::authority() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

name_resolver& system_resolver() {
    static asio_resolver only;
    return only;
}

aio::awaitable<name_resolver::answer> tcp_dialer::resolve(std::string host, aio::clock::time_point deadline) {
    error_code not_literal;
    const auto literal = asio::ip::make_address(host, not_literal);
    if (!not_literal) co_return std::vector<asio::ip::address>(1, literal);

    // Shared with the look-up, which may end long after this coroutine.
    struct state {
        explicit state(const asio::any_io_executor& executor) : come(executor) {}
        std::optional<name_resolver::answer> found;
        aio::event come;
    };
    const auto executor = co_await asio::this_coro::executor;
    const auto shared = std::make_shared<state>(executor);
    const auto interest = names_->look_up(executor, host, [shared](name_resolver::answer found) {
        shared->found = std::move(found);
        shared->come.notify();
    });
    while (!shared->found && clock_->now() < deadline) co_await aio::wait_until(shared->come, *clock_, deadline);
    if (!shared->found) co_return base::error(fmt::format("look up {}: timed out", host));
    if (!*shared->found) co_return base::error(fmt::format("look up {}: {}", host, shared->found->error().text));
    co_return std::move(**shared->found);
}

aio::awaitable<base::result<std::unique_ptr<byte_stream>>> tcp_dialer::dial(endpoint to,
                                                                            aio::clock::time_point deadline) {
    auto addresses = co_await resolve(to.host, deadline);
    if (!addresses) co_return addresses.error();

    const auto executor = co_await asio::this_coro::executor;
    std::string why = "no address";
    for (const asio::ip::address& address : *addresses) {
        tcp::socket socket(executor);
        bool expired = false;
        const aio::alarm limit(*clock_, deadline, [&] {
            expired = true;
            error_code ignored;
            socket.close(ignored);
        });
        const auto [ec] = co_await socket.async_connect(tcp::endpoint(address, to.port), aio::as_result);
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
