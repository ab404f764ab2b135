// SPDX-License-Identifier: Apache-2.0
#include "support/memory_stream.hpp"

#include "support/fake_clock.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace std::chrono_literals;

namespace {

aio::awaitable<> read_to_end(net::byte_stream& from, std::string& out, std::string& error) {
    std::string space(1000, '\0');
    for (;;) {
        const auto into = aio::asio::buffer(space);
        const auto size = co_await from.read_some(into);
        if (!size) {
            error = size.error().text;
            co_return;
        }
        if (*size == 0) co_return;
        out.append(space, 0, *size);
    }
}

aio::awaitable<bool> write(net::byte_stream& to, std::string bytes) {
    const auto buffer = aio::asio::buffer(std::as_const(bytes));
    const auto written = co_await to.write(buffer);
    co_return written.has_value();
}

aio::awaitable<> write_into(net::byte_stream& to, std::string bytes, bool& over) {
    const auto buffer = aio::asio::buffer(std::as_const(bytes));
    const auto written = co_await to.write(buffer);
    over = written.has_value();
}

struct fixture {
    ~fixture() {
        loop.tasks.cancel();  // the tasks use the streams
        loop.settle();
    }
    test::test_loop loop;
    test::memory_connection wire{loop.executor()};
    std::string got;
    std::string error;
};

}  // namespace

TEST_CASE("memory stream: bytes arrive in order, and the stream ends when the writer closes") {
    fixture r;
    r.wire.to_server->chunk(3);
    r.loop.tasks.spawn("reader", read_to_end(*r.wire.server, r.got, r.error));
    CHECK(r.loop.run(write(*r.wire.client, "hello ")));
    CHECK(r.loop.run(write(*r.wire.client, "world")));
    r.wire.client->close();
    r.loop.settle();
    CHECK(r.got == "hello world");
    CHECK(r.error.empty());
    CHECK(r.loop.tasks.empty());
}

TEST_CASE("memory stream: a writer waits for space") {
    fixture r;
    r.wire.to_server->capacity = 10;
    bool over = false;
    r.loop.tasks.spawn("writer", write_into(*r.wire.client, std::string(25, 'x'), over));
    r.loop.settle();
    CHECK_FALSE(over);
    r.loop.tasks.spawn("reader", read_to_end(*r.wire.server, r.got, r.error));
    r.loop.settle();
    CHECK(over);
    CHECK(r.got.size() == 25);
}

TEST_CASE("memory stream: cut() ends reads and writes at both ends, stall() does not") {
    fixture r;
    r.wire.to_server->stall();
    r.loop.tasks.spawn("reader", read_to_end(*r.wire.server, r.got, r.error));
    CHECK(r.loop.run(write(*r.wire.client, "lost")));
    r.loop.settle();
    CHECK(r.got.empty());
    CHECK(r.error.empty());
    r.wire.cut();
    r.loop.settle();
    CHECK_FALSE(r.error.empty());
    CHECK_FALSE(r.loop.run(write(*r.wire.client, "x")));
    CHECK_FALSE(r.loop.run(write(*r.wire.server, "x")));
}

TEST_CASE("memory stream: cancellation ends a read with an error, as on a socket") {
    fixture r;
    r.loop.tasks.spawn("reader", read_to_end(*r.wire.server, r.got, r.error));
    r.loop.settle();
    r.loop.tasks.cancel();
    r.loop.settle();
    CHECK(r.error == "Operation canceled");
    CHECK(r.loop.tasks.empty());
}
