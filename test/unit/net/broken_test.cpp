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

TEST_CASE("a connection that breaks ends all calls on it with the endpoint named, and no new one begins") {
    scripted_channel s;
    const auto first = s.call();
    const auto second = s.call();
    int told = 0;
    s.channel->on_broken([&] { ++told; });
    s.wire.cut();
    s.loop.settle();
    CHECK(told == 1);
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
    CHECK(told == 1);
}

TEST_CASE("messages that came before the connection broke are still given") {
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

TEST_CASE("a server that closes the connection is told as such") {
    scripted_channel s;
    const auto call = s.call();
    s.peer.close();
    s.loop.settle();
    const auto out = finish(s.loop, *call);
    CHECK(out.status.message.find("closed the connection") != std::string::npos);
    CHECK_FALSE(s.channel->usable());
}

namespace {

/// What a call learns of a peer that answers with these bytes.
grpc::status greeted_with(const std::string& bytes) {
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

TEST_CASE("a peer that does not speak HTTP/2 is told as such") {
    const auto http1 = greeted_with("HTTP/1.1 400 Bad Request\r\n\r\n");
    CHECK(http1.value == grpc::code::unavailable);
    CHECK(http1.message.find("peer:1: the peer speaks HTTP/1") == 0);
    const auto tls = greeted_with(std::string("\x15\x03\x01\x00\x02\x02\x16", 7));
    CHECK(tls.value == grpc::code::unavailable);
    CHECK(tls.message.find("peer:1: the peer speaks TLS") == 0);
    CHECK(greeted_with("hello" + std::string(20, ' ')).value == grpc::code::unavailable);
}

TEST_CASE("a call that is ended by garbage says what came from where, and that its request never left") {
    const auto garbage = greeted_with("hello" + std::string(20, ' '));
    CAPTURE(garbage.message);
    CHECK(garbage.message.find("peer:1: the peer violated HTTP/2") == 0);
    CHECK(garbage.unprocessed);
}

TEST_CASE("GOAWAY: calls the server took go on, those beyond may be repeated, new ones need another connection") {
    scripted_channel s;
    const auto taken = s.call("taken");
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.begin(id);
    s.loop.settle();
    s.wire.to_server->stall();
    const auto beyond = s.call("beyond");
    s.peer.server().goaway(id, http2::error_code::no_error, "going down");
    s.peer.flush();
    s.loop.settle();
    CHECK_FALSE(s.channel->usable());
    const auto refused = finish(s.loop, *beyond);
    CHECK(refused.status.unprocessed);
    const auto late = s.call("late");
    const auto not_opened = finish(s.loop, *late);
    CHECK(not_opened.status.unprocessed);
    CHECK(not_opened.status.value == grpc::code::unavailable);
    s.wire.to_server->resume();
    s.peer.message(id, "answer");
    s.peer.finish(id);
    const auto out = finish(s.loop, *taken);
    CHECK(out.messages == std::vector<std::string>{"answer"});
    CHECK(out.status.ok());
}

TEST_CASE(
    "after GOAWAY a call that does not end is ended, so that a server that shuts down need not wait for a watch") {
    scripted_channel s;
    const auto call = s.call();
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.begin(id);
    s.loop.settle();
    s.peer.server().goaway(id, http2::error_code::no_error, "");
    s.peer.flush();
    s.loop.clock.advance(1900ms);
    s.peer.message(id, "still told");
    s.loop.settle();
    s.loop.clock.advance(200ms);
    const auto out = finish(s.loop, *call);
    CHECK(out.messages == std::vector<std::string>{"still told"});
    CHECK(out.status.message == "peer:2379: the server is shutting down (GOAWAY NO_ERROR)");
    CHECK(out.status.value == grpc::code::unavailable);
}

TEST_CASE("a server that said that it shuts down is told as such, however the stream ends then") {
    scripted_channel s;
    const auto call = s.call();
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.begin(id);
    s.peer.message(id, "before");
    SUBCASE("without a gRPC status") {
        s.peer.server().goaway(id, http2::error_code::no_error, "");
        s.peer.server().data(id, "", true);
        s.peer.flush();
    }
    SUBCASE("with the connection") {
        s.peer.server().goaway(id, http2::error_code::no_error, "");
        s.peer.flush();
        s.loop.settle();
        s.peer.close();
    }
    const auto out = finish(s.loop, *call);
    CHECK(out.messages == std::vector<std::string>{"before"});
    CHECK(out.status.message == "peer:2379: the server is shutting down (GOAWAY NO_ERROR)");
    CHECK(out.status.value == grpc::code::unavailable);
    CHECK(out.status.from == grpc::origin::connection);
    CHECK_FALSE(out.status.unprocessed);
}

TEST_CASE("a GOAWAY for a fault is told with its words, and a stream that ends after it as what it is") {
    scripted_channel s;
    const auto call = s.call();
    const auto broken = s.call();
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.begin(id);
    s.peer.server().goaway(id + 2, http2::error_code::enhance_your_calm, "too_many_pings");
    s.peer.server().data(id, "", true);
    s.peer.flush();
    s.loop.settle();
    s.peer.close();
    CHECK(finish(s.loop, *call).status.message ==
          "the server ended the stream without a gRPC status: is it shutting down?");
    CHECK(finish(s.loop, *broken).status.message ==
          "peer:2379: the server sent GOAWAY ENHANCE_YOUR_CALM: too_many_pings");
}

TEST_CASE("after GOAWAY and the last call the connection is closed, and who waits for that is told") {
    scripted_channel s;
    const auto call = s.call();
    bool broken = false;
    s.channel->on_broken([&] { broken = true; });
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.server().goaway(id, http2::error_code::no_error, "bye");
    s.peer.reply(id, "answer");
    CHECK(finish(s.loop, *call).status.ok());
    s.loop.settle();
    CHECK(broken);
    CHECK(s.channel->why_unusable() == "peer:2379: the server is shutting down (GOAWAY NO_ERROR: bye)");
}

TEST_CASE("a stream the server refused was not acted on; one it reset was, perhaps") {
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

TEST_CASE("dropping the last reference to a channel ends its calls and its tasks; nobody is told who is gone, too") {
    scripted_channel s;
    const auto call = s.call();
    int told = 0;
    s.channel->on_broken([&] { ++told; });
    s.channel.reset();
    const auto out = finish(s.loop, *call);
    CHECK(out.status.value == grpc::code::unavailable);
    CHECK(told == 0);
    s.peer.close();
    s.loop.settle();
    CHECK(s.loop.tasks.empty());
}

TEST_CASE("a connection without calls that ends says why") {
    scripted_channel s;
    s.peer.server().on_end = [&](stream_id id) { s.peer.reply(id, "answer"); };
    const auto call = s.call();
    CHECK(finish(s.loop, *call).status.ok());
    REQUIRE(s.channel->usable());
    std::string why;
    s.channel->on_broken([&] { why = s.channel->why_unusable(); });
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

TEST_CASE("who asks to be told of the end of a connection that broke before is told, too") {
    scripted_channel s;
    s.wire.cut();
    s.loop.settle();
    int told = 0;
    s.channel->on_broken([&] { ++told; });
    s.loop.settle();
    CHECK(told == 1);
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

TEST_CASE("tasks that are cancelled under a channel leave it broken, and its calls ended") {
    scripted_channel s;
    const auto call = s.call();
    s.loop.tasks.cancel();
    s.loop.settle();
    CHECK(s.loop.tasks.empty());
    const auto out = finish(s.loop, *call);
    CHECK(out.status.value == grpc::code::unavailable);
    CHECK_FALSE(s.channel->usable());
}

TEST_CASE("whatever bytes a peer sends, nothing crashes and every call ends") {
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
