// SPDX-License-Identifier: Apache-2.0
#include "net/socket_dialer.hpp"

#include "aio/event.hpp"
#include "net/socket_queue.hpp"
#include "net/tls_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace etcdsync::net {
namespace {

namespace asio = aio::asio;
using asio::ip::tcp;
using boost::system::error_code;
using any_address = asio::generic::stream_protocol::endpoint;

class socket_stream final : public byte_stream {
public:
    explicit socket_stream(stream_socket socket) : socket_(std::move(socket)) {}

    aio::awaitable<result<std::size_t>> read_some(asio::mutable_buffer into) override {
        const auto [ec, count] = co_await socket_.async_read_some(into, aio::as_result);
        if (ec == asio::error::eof) co_return std::size_t{0};
        if (ec) co_return base::error(ec.message());
        co_return count;
    }

    aio::awaitable<result<void>> write(asio::const_buffer bytes) override {
        while (bytes.size() > 0) {
            const auto [ec, count] = co_await socket_.async_write_some(bytes, aio::as_result);
            if (ec) co_return base::error(ec.message());
            sent_ += count;
            bytes += count;
        }
        co_return result<void>();
    }

    [[nodiscard]] std::uint64_t taken() override {
        return sent_ - std::min(sent_, bytes_not_taken(socket_.native_handle()));
    }

    void close() override {
        error_code ignored;
        socket_.close(ignored);
    }

private:
    stream_socket socket_;
    std::uint64_t sent_ = 0;
};

/// The deadline of the next of `left` addresses, which share the remaining time equally.
aio::clock::time_point share(aio::clock::time_point now, aio::clock::time_point deadline, std::size_t left) {
    return now + (deadline - now) / static_cast<int>(left);
}

base::error dial_error(std::string_view what, const endpoint& to, std::string_view why) {
    return base::error(fmt::format("{} {}: {}", what, to.name(), why));
}

}  // namespace

std::string endpoint::name() const {
    if (!socket.empty()) return socket;
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::string endpoint::authority() const { return socket.empty() ? name() : "localhost"; }

aio::awaitable<name_resolver::answer> socket_dialer::resolve(std::string host, aio::clock::time_point deadline) {
    error_code not_literal;
    const auto literal = asio::ip::make_address(host, not_literal);
    if (!not_literal) co_return std::vector<asio::ip::address>(1, literal);

    // If there are addresses of an earlier lookup, leave half of the time to try them.
    const auto last = last_addresses_.find(host);
    const auto now = clock_->now();
    const auto lookup_deadline = last == last_addresses_.end() ? deadline : now + (deadline - now) / 2;
    auto found = co_await look_up(host, lookup_deadline);
    if (found) {
        last_addresses_[host] = *found;
    } else if (last != last_addresses_.end()) {
        co_return last->second;
    }
    co_return found;
}

aio::awaitable<name_resolver::answer> socket_dialer::look_up(std::string host, aio::clock::time_point deadline) {
    // Shared with the lookup, which may end long after this coroutine.
    struct state {
        explicit state(const asio::any_io_executor& executor) : done(executor) {}
        std::optional<name_resolver::answer> found;
        aio::event done;
    };
    const auto executor = co_await asio::this_coro::executor;
    const auto shared = std::make_shared<state>(executor);
    const auto handle = names_->look_up(executor, host, [shared](name_resolver::answer found) {
        shared->found = std::move(found);
        shared->done.notify();
    });
    while (!shared->found && clock_->now() < deadline) co_await aio::wait_until(shared->done, *clock_, deadline);
    if (!shared->found) co_return base::error(fmt::format("look up {}: timed out", host));
    if (!*shared->found) co_return base::error(fmt::format("look up {}: {}", host, shared->found->error().text));
    co_return std::move(**shared->found);
}

aio::awaitable<result<stream_socket>> socket_dialer::connect(any_address address, aio::clock::time_point deadline) {
    const auto executor = co_await asio::this_coro::executor;
    stream_socket socket(executor);
    bool expired = false;
    const aio::alarm limit(*clock_, deadline, [&] {
        expired = true;
        error_code ignored;
        socket.close(ignored);
    });
    const auto [ec] = co_await socket.async_connect(address, aio::as_result);
    if (expired) co_return base::error("timed out");
    if (ec) co_return base::error(ec.message());
    co_return std::move(socket);
}

aio::awaitable<result<std::unique_ptr<byte_stream>>> socket_dialer::start_tls(stream_socket socket, const endpoint& to,
                                                                              aio::clock::time_point deadline) {
    auto context = to.tls->context();
    if (!context) co_return dial_error("TLS to", to, context.error().text);
    auto stream = make_tls_stream(std::move(socket), std::move(*context), to);
    bool expired = false;
    const aio::alarm limit(*clock_, deadline, [&] {
        expired = true;
        stream->close();
    });
    const auto done = co_await stream->handshake();
    if (expired) co_return dial_error("TLS to", to, "no answer in time: does its endpoint need http://?");
    if (!done) co_return failure(dial_error("TLS to", to, done.error().text).text, done.error().access_denied);
    std::unique_ptr<byte_stream> ready = std::move(stream);
    co_return ready;
}

aio::awaitable<result<std::unique_ptr<byte_stream>>> socket_dialer::dial_address(any_address address,
                                                                                 const endpoint& to,
                                                                                 aio::clock::time_point deadline) {
    auto socket = co_await connect(address, deadline);
    if (!socket) co_return dial_error("connect", to, socket.error().text);
    if (to.socket.empty()) {
        error_code ignored;
        socket->set_option(tcp::no_delay(true), ignored);
    }
    if (to.tls) co_return co_await start_tls(std::move(*socket), to, deadline);
    std::unique_ptr<byte_stream> stream = std::make_unique<socket_stream>(std::move(*socket));
    co_return stream;
}

aio::awaitable<result<std::unique_ptr<byte_stream>>> socket_dialer::dial(endpoint to, aio::clock::time_point deadline) {
    if (!to.socket.empty()) {
        const any_address address = asio::local::stream_protocol::endpoint(to.socket);
        co_return co_await dial_address(address, to, deadline);
    }
    const auto addresses = co_await resolve(to.host, deadline);
    if (!addresses) co_return addresses.error();
    failure why = dial_error("connect", to, "no address");
    for (std::size_t i = 0; i < addresses->size(); ++i) {
        const any_address address = tcp::endpoint((*addresses)[i], to.port);
        auto stream = co_await dial_address(address, to, share(clock_->now(), deadline, addresses->size() - i));
        if (stream) co_return std::move(*stream);
        why = stream.error();
    }
    co_return why;
}

}  // namespace etcdsync::net
