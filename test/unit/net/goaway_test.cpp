// SPDX-License-Identifier: Apache-2.0
#include "net/http2_channel.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace std::chrono_literals;
using http2::stream_id;
using net::finish;
using test::scripted_channel;

TEST_CASE("after GOAWAY accepted calls continue, later ones may be repeated, new ones need another connection") {
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

TEST_CASE("a call that does not end after GOAWAY is ended, so that a server can shut down despite a watch") {
    scripted_channel s;
    const auto call = s.call();
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.begin(id);
    s.loop.settle();
    s.peer.server().goaway(id, http2::error_code::no_error, "");
    s.peer.flush();
    s.loop.clock.advance(1900ms);
    s.peer.message(id, "still delivered");
    s.loop.settle();
    s.loop.clock.advance(200ms);
    const auto out = finish(s.loop, *call);
    CHECK(out.messages == std::vector<std::string>{"still delivered"});
    CHECK(out.status.message == "peer:2379: the server is shutting down (GOAWAY NO_ERROR)");
    CHECK(out.status.value == grpc::code::unavailable);
}

TEST_CASE("after a GOAWAY for a shutdown the error says so, however the stream ends") {
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

TEST_CASE("a GOAWAY for an error is reported with its text, except for a stream that had already ended") {
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

TEST_CASE("the connection is closed after GOAWAY and the last call, and on_broken() reports it") {
    scripted_channel s;
    const auto call = s.call();
    bool broken = false;
    const auto listening = s.channel->on_broken([&] { broken = true; });
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.server().goaway(id, http2::error_code::no_error, "bye");
    s.peer.reply(id, "answer");
    CHECK(finish(s.loop, *call).status.ok());
    s.loop.settle();
    CHECK(broken);
    CHECK(s.channel->why_unusable() == "peer:2379: the server is shutting down (GOAWAY NO_ERROR: bye)");
}
