// SPDX-License-Identifier: Apache-2.0
#include "base/random.hpp"
#include "net/http2_channel.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace std::chrono_literals;
using http2::stream_id;
using net::finish;
using test::scripted_channel;

TEST_CASE("a broken connection ends all its calls with the name of the endpoint, and rejects new ones") {
    scripted_channel s;
    const auto first = s.call();
    const auto second = s.call();
    int reports = 0;
    const auto listening = s.channel->on_broken([&] { ++reports; });
    s.wire.cut();
    s.loop.settle();
    CHECK(reports == 1);
    CHECK_FALSE(s.channel->usable());
    for (const auto& call : {first.get(), second.get()}) {
        const auto out = finish(s.loop, *call);
        CHECK(out.status.value == grpc::code::unavailable);
        CHECK(out.status.from == grpc::origin::connection);
        CHECK_FALSE(out.status.unprocessed);
        CHECK(out.status.message.find("peer:2379") != std::string::npos);
    }
    const auto late = s.call();
    const auto out = finish(s.loop, *late);
    CHECK(out.status.unprocessed);
    CHECK(reports == 1);
}

TEST_CASE("messages that arrived before the connection broke are still delivered") {
    scripted_channel s;
    const auto call = s.call();
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.begin(id);
    s.peer.message(id, "before");
    s.loop.settle();
    s.wire.cut();
    s.loop.settle();
    const auto out = finish(s.loop, *call);
    CHECK(out.messages == std::vector<std::string>{"before"});
    CHECK(out.status.value == grpc::code::unavailable);
}

TEST_CASE("the error says that the server closed the connection") {
    scripted_channel s;
    const auto call = s.call();
    s.peer.close();
    s.loop.settle();
    const auto out = finish(s.loop, *call);
    CHECK(out.status.message.find("closed the connection") != std::string::npos);
    CHECK_FALSE(s.channel->usable());
}

namespace {

/// The status of a call if the peer answers with these bytes.
grpc::status status_after(const std::string& bytes) {
    test::test_loop loop;
    test::memory_connection wire(loop.executor());
    const auto channel = net::make_http2_channel(std::move(wire.client), {"http://peer:1", "peer", 1, nullptr, {}},
                                                 loop.clock, loop.tasks, {});
    const auto call = channel->open("/s/m", {});
    wire.to_client->waiting = bytes;
    wire.to_client->changed.notify();
    const auto out = finish(loop, *call);
    CHECK_FALSE(channel->usable());
    return out.status;
}

}  // namespace

TEST_CASE("the error says that the peer does not speak HTTP/2") {
    const auto http1 = status_after("HTTP/1.1 400 Bad Request\r\n\r\n");
    CHECK(http1.value == grpc::code::unavailable);
    CHECK(http1.message.find("peer:1: the peer speaks HTTP/1") == 0);
    const auto tls = status_after(std::string("\x15\x03\x01\x00\x02\x02\x16", 7));
    CHECK(tls.value == grpc::code::unavailable);
    CHECK(tls.message.find("peer:1: the peer speaks TLS") == 0);
    CHECK(status_after("hello" + std::string(20, ' ')).value == grpc::code::unavailable);
}

TEST_CASE("a call that garbage ends names the endpoint and is unprocessed") {
    const auto garbage = status_after("hello" + std::string(20, ' '));
    CAPTURE(garbage.message);
    CHECK(garbage.message.find("peer:1: the peer violated HTTP/2") == 0);
    CHECK(garbage.unprocessed);
}

TEST_CASE("a refused stream is unprocessed, a reset one is not") {
    scripted_channel s;
    s.peer.server().on_end = [&](stream_id id) { s.peer.server().reset(id, http2::error_code::refused_stream); };
    const auto refused = s.call();
    CHECK(finish(s.loop, *refused).status.unprocessed);
    s.peer.server().on_end = [&](stream_id id) { s.peer.server().reset(id, http2::error_code::internal_error); };
    const auto reset = s.call();
    const auto out = finish(s.loop, *reset);
    CHECK_FALSE(out.status.unprocessed);
    CHECK(out.status.value == grpc::code::internal);
    CHECK(s.channel->usable());
}

TEST_CASE("closing the channel ends its calls and its tasks") {
    scripted_channel s;
    const auto call = s.call();
    s.channel->close();
    CHECK_FALSE(s.channel->usable());
    const auto out = finish(s.loop, *call);
    CHECK(out.status.value == grpc::code::unavailable);
    CHECK(out.status.message.find("by us") != std::string::npos);
    s.peer.close();
    s.loop.settle();
    CHECK(s.loop.tasks.empty());
}

TEST_CASE("destroying a channel ends its calls and its tasks without calling on_broken()") {
    scripted_channel s;
    const auto call = s.call();
    int reports = 0;
    const auto listening = s.channel->on_broken([&] { ++reports; });
    s.channel.reset();
    const auto out = finish(s.loop, *call);
    CHECK(out.status.value == grpc::code::unavailable);
    CHECK(reports == 0);
    s.peer.close();
    s.loop.settle();
    CHECK(s.loop.tasks.empty());
}

TEST_CASE("a connection that ends without calls has a reason") {
    scripted_channel s;
    s.peer.server().on_end = [&](stream_id id) { s.peer.reply(id, "answer"); };
    const auto call = s.call();
    CHECK(finish(s.loop, *call).status.ok());
    REQUIRE(s.channel->usable());
    std::string why;
    const auto listening = s.channel->on_broken([&] { why = s.channel->why_unusable(); });
    SUBCASE("closed by the server") {
        s.peer.close();
        s.loop.settle();
        CHECK(why == "peer:2379: the server closed the connection");
    }
    SUBCASE("broken") {
        s.wire.cut();
        s.loop.settle();
        CHECK(why.starts_with("peer:2379: "));
        CHECK(why.size() > std::string_view("peer:2379: ").size());
    }
    CHECK_FALSE(s.channel->usable());
}

TEST_CASE("on_broken() also reports a connection that broke before") {
    scripted_channel s;
    s.wire.cut();
    s.loop.settle();
    int reports = 0;
    const auto listening = s.channel->on_broken([&] { ++reports; });
    s.loop.settle();
    CHECK(reports == 1);
}

TEST_CASE("a call outlives its channel and the connection") {
    scripted_channel s;
    const auto call = s.call();
    s.channel.reset();
    s.loop.settle();
    call->cancel();
    const auto out = finish(s.loop, *call);
    CHECK_FALSE(out.status.ok());
}

TEST_CASE("canceling the tasks of a channel breaks it and ends its calls") {
    scripted_channel s;
    const auto call = s.call();
    s.loop.tasks.cancel();
    s.loop.settle();
    CHECK(s.loop.tasks.empty());
    const auto out = finish(s.loop, *call);
    CHECK(out.status.value == grpc::code::unavailable);
    CHECK_FALSE(s.channel->usable());
}

TEST_CASE("random bytes of a peer crash nothing, and every call ends") {
    base::random_source random(9);
    for (int round = 0; round < 40; ++round) {
        scripted_channel s;
        const auto call = s.call();
        std::string noise(1 + random.next() % 500, '\0');
        for (char& c : noise) c = static_cast<char>(random.next());
        s.peer.server().inject(noise);
        s.peer.flush();
        s.loop.settle();
        s.peer.close();
        s.loop.settle();
        CHECK(finish(s.loop, *call).ended);
    }
}
