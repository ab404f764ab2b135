// SPDX-License-Identifier: Apache-2.0
#include "net/socket_dialer.hpp"

#include "support/fake_clock.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;
using aio::asio::ip::tcp;

namespace {

using dialed = net::result<std::unique_ptr<net::byte_stream>>;

/// Runs `body` on a loop that waits, as real sockets need it.
template <class T>
T run(aio::asio::io_context& io, aio::awaitable<T> body) {
    std::optional<T> out;
    auto done = [&out](const std::exception_ptr& error, T value) {
        if (error) std::rethrow_exception(error);
        out.emplace(std::move(value));
    };
    aio::asio::co_spawn(io, std::move(body), done);
    io.restart();
    io.run_for(10s);
    REQUIRE_MESSAGE(out.has_value(), "a coroutine hangs");
    return std::move(*out);
}

aio::awaitable<std::string> read_once(net::byte_stream& from) {
    std::string space(100, '\0');
    const auto into = aio::asio::buffer(space);
    const auto size = co_await from.read_some(into);
    if (!size) co_return "error: " + size.error().text;
    space.resize(*size);
    co_return space;
}

aio::awaitable<bool> write(net::byte_stream& to, std::string bytes) {
    const auto buffer = aio::asio::buffer(std::as_const(bytes));
    const auto written = co_await to.write(buffer);
    co_return written.has_value();
}

struct fixture {
    aio::asio::io_context io{1};
    aio::system_clock clock{io.get_executor()};
    net::socket_dialer dialer{clock};
    tcp::acceptor acceptor{io, tcp::endpoint(aio::asio::ip::address_v4::loopback(), 0)};

    net::endpoint here(const std::string& host = "127.0.0.1") {
        return {"http://" + host, host, acceptor.local_endpoint().port(), nullptr, {}};
    }
    dialed dial(const net::endpoint& to, aio::clock::duration patience = 5s) {
        return run(io, dialer.dial(to, clock.now() + patience));
    }
};

}  // namespace

TEST_CASE("an authority has IPv6 addresses in brackets") {
    CHECK(net::endpoint{"", "host", 2379, nullptr, {}}.authority() == "host:2379");
    CHECK(net::endpoint{"", "127.0.0.1", 1, nullptr, {}}.authority() == "127.0.0.1:1");
    CHECK(net::endpoint{"", "::1", 2379, nullptr, {}}.authority() == "[::1]:2379");
}

TEST_CASE("a Unix socket has its path as name and localhost as authority") {
    const net::endpoint to{"unix:///run/etcd.sock", "", 0, nullptr, "/run/etcd.sock"};
    CHECK(to.name() == "/run/etcd.sock");
    CHECK(to.authority() == "localhost");
}

TEST_CASE("a TCP connection carries bytes in both directions, and the end of the stream") {
    fixture r;
    for (const char* host : {"127.0.0.1", "localhost"}) {
        auto stream = r.dial(r.here(host));
        REQUIRE(stream.has_value());
        tcp::socket peer = r.acceptor.accept();
        CHECK(run(r.io, write(**stream, "ping")));
        std::string got(4, '\0');
        CHECK(peer.read_some(aio::asio::buffer(got)) == 4);
        CHECK(got == "ping");
        peer.write_some(aio::asio::buffer(std::string("pong")));
        CHECK(run(r.io, read_once(**stream)) == "pong");
        peer.close();
        CHECK(run(r.io, read_once(**stream)).empty());
        (*stream)->close();
        (*stream)->close();
        CHECK(run(r.io, read_once(**stream)).starts_with("error"));
    }
}

TEST_CASE("the error of a refused connection names the endpoint and the reason") {
    fixture r;
    const net::endpoint to = r.here();
    r.acceptor.close();
    const auto stream = r.dial(to);
    REQUIRE(stream.has_error());
    CHECK(stream.error().text == "connect " + to.authority() + ": Connection refused");
}

TEST_CASE("the error of a failed lookup names the host") {
    fixture r;
    const auto stream = r.dial(r.here("no-such-host.invalid"));
    REQUIRE(stream.has_error());
    CHECK(stream.error().text.find("no-such-host.invalid") != std::string::npos);
}

TEST_CASE("the deadline ends dial()") {
    fixture r;
    // A listener with a full queue does not answer: fill it with connections that are not accepted.
    r.acceptor.close();
    tcp::acceptor narrow(r.io, tcp::v4());
    narrow.bind(tcp::endpoint(aio::asio::ip::address_v4::loopback(), 0));
    narrow.listen(0);
    const net::endpoint to{"http://x", "127.0.0.1", narrow.local_endpoint().port(), nullptr, {}};
    std::vector<dialed> kept;
    bool timed_out = false;
    for (int i = 0; i < 5 && !timed_out; ++i) {
        kept.push_back(r.dial(to, 100ms));
        timed_out = kept.back().has_error();
    }
    REQUIRE(timed_out);
    CHECK(kept.back().error().text == "connect " + to.authority() + ": timed out");
}

namespace {

/// A resolver whose answers come from the test.
class scripted_resolver final : public net::name_resolver {
public:
    std::shared_ptr<void> look_up(const aio::asio::any_io_executor&, const std::string& host,
                                  std::function<void(answer)> done) override {
        lookups.push_back(host);
        answer_with = std::move(done);
        auto handle = std::make_shared<int>(0);
        pending = handle;
        return handle;
    }

    std::vector<std::string> lookups;
    std::function<void(answer)> answer_with;
    std::weak_ptr<int> pending;
};

/// A dialer with a fake clock and scripted lookups.
struct lookup_fixture {
    test::test_loop loop;
    scripted_resolver names;
    net::socket_dialer dialer{loop.clock, names};

    aio::awaitable<dialed> dial(const std::string& host) {
        return dialer.dial({"http://" + host, host, 1, nullptr, {}}, loop.clock.now() + 3s);
    }
};

const std::vector<aio::asio::ip::address> loopback{aio::asio::ip::address_v4::loopback()};

}  // namespace

TEST_CASE("a hanging lookup ends dial() at its deadline, and its late answer is ignored") {
    lookup_fixture r;
    const auto before = r.loop.clock.now();
    const auto stream = r.loop.run(r.dial("slow.example"), 1min);
    REQUIRE(stream.has_error());
    CHECK(stream.error().text == "look up slow.example: timed out");
    CHECK(r.loop.clock.now() - before == 3s);
    CHECK(r.names.pending.expired());
    r.names.answer_with(loopback);
    r.loop.settle();
}

TEST_CASE("a hanging lookup does not delay the cancellation of a task") {
    lookup_fixture r;
    std::optional<dialed> out;
    r.loop.tasks.spawn("dial", [](lookup_fixture& with, std::optional<dialed>& into) -> aio::awaitable<> {
        auto stream = co_await with.dial("slow.example");
        into.emplace(std::move(stream));
    }(r, out));
    r.loop.settle();
    CHECK(r.names.lookups == std::vector<std::string>{"slow.example"});
    r.loop.tasks.cancel();
    r.loop.settle();
    CHECK(r.loop.tasks.empty());
    CHECK_FALSE(out.has_value());
    r.names.answer_with(loopback);
    r.loop.settle();
}

TEST_CASE("the error of a failed lookup names the host and the reason") {
    lookup_fixture r;
    std::optional<dialed> out;
    r.loop.tasks.spawn("dial", [](lookup_fixture& with, std::optional<dialed>& into) -> aio::awaitable<> {
        auto stream = co_await with.dial("none.example");
        into.emplace(std::move(stream));
    }(r, out));
    r.loop.settle();
    r.names.answer_with(base::error("Host not found"));
    r.loop.settle();
    REQUIRE(out.has_value());
    CHECK(out->error().text == "look up none.example: Host not found");
}

TEST_CASE("a literal address is not looked up") {
    fixture r;
    scripted_resolver names;
    net::socket_dialer dialer(r.clock, names);
    const auto stream = run(r.io, dialer.dial(r.here(), r.clock.now() + 5s));
    CHECK(stream.has_value());
    CHECK(names.lookups.empty());
}

TEST_CASE("a name is tried at each of its addresses") {
    fixture r;
    scripted_resolver names;
    net::socket_dialer dialer(r.clock, names);
    std::optional<dialed> out;
    auto keep = [&out](const std::exception_ptr&, dialed stream) { out.emplace(std::move(stream)); };
    aio::asio::co_spawn(r.io, dialer.dial(r.here("two.example"), r.clock.now() + 5s), keep);
    r.io.poll();
    REQUIRE(names.answer_with);
    // There is no listener at the first address.
    names.answer_with(std::vector<aio::asio::ip::address>{aio::asio::ip::make_address("127.77.0.1"), loopback[0]});
    r.io.restart();
    r.io.run_for(5s);
    REQUIRE(out.has_value());
    CHECK(out->has_value());
}

TEST_CASE("if a lookup fails or is late, the addresses of the last one are used") {
    fixture r;
    scripted_resolver names;
    net::socket_dialer dialer(r.clock, names);
    std::optional<dialed> out;
    const auto dial = [&] {
        out.reset();
        auto keep = [&out](const std::exception_ptr&, dialed stream) { out.emplace(std::move(stream)); };
        aio::asio::co_spawn(r.io, dialer.dial(r.here("moves.example"), r.clock.now() + 4s), keep);
        r.io.restart();
        r.io.poll();
    };
    const auto finish = [&] {
        r.io.restart();
        while (!out) REQUIRE(r.io.run_one_for(5s) > 0);
        return out->has_value();
    };
    dial();
    names.answer_with(loopback);
    CHECK(finish());
    SUBCASE("late") {
        dial();
        CHECK(finish());
    }
    SUBCASE("failed") {
        dial();
        names.answer_with(base::error("Host not found"));
        CHECK(finish());
    }
    SUBCASE("new addresses replace them") {
        dial();
        names.answer_with(std::vector<aio::asio::ip::address>{aio::asio::ip::make_address("127.77.0.1")});
        CHECK_FALSE(finish());
    }
    CHECK(names.lookups.size() == 2);
}
