// SPDX-License-Identifier: Apache-2.0
#include "net/http2_channel.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;
using http2::stream_id;
using net::finish;
using test::scripted_channel;

namespace {

using lines = std::vector<std::string>;

/// Answers each request with its own message.
void echo(scripted_channel& s) {
    s.peer.server().on_end = [&s](stream_id id) { s.peer.reply(id, s.peer.messages(id).at(0)); };
}

}  // namespace

TEST_CASE("a unary call sends one message and receives one, and a status") {
    scripted_channel s;
    echo(s);
    const auto call = s.call("question");
    const auto out = finish(s.loop, *call);
    CHECK(out.messages == lines{"question"});
    CHECK(out.status.ok());
    const auto& request = s.peer.server().requests().begin()->second;
    CHECK(request.value(":path") == "/s/m");
    CHECK(request.value(":authority") == "peer:2379");
    CHECK(request.value(":scheme") == "http");
}

TEST_CASE("messages of any size arrive, however the bytes are split") {
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::size_t{1} << 30}) {
        CAPTURE(chunk);
        scripted_channel s;
        s.wire.to_client->chunk(chunk);
        s.wire.to_server->chunk(chunk);
        echo(s);
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, std::size_t{16'379}, std::size_t{16'384}, std::size_t{70'000}}) {
            const std::string message(size, 'm');
            const auto call = s.call(message);
            CHECK(finish(s.loop, *call).messages == lines{message});
        }
    }
}

TEST_CASE("a large message can be sent and received") {
    scripted_channel s;
    echo(s);
    const std::string message(8U << 20, 'm');
    const auto call = s.call(message);
    const auto out = finish(s.loop, *call);
    REQUIRE(out.messages.size() == 1);
    CHECK(out.messages[0] == message);
    CHECK(out.status.ok());
}

TEST_CASE("calls on one connection are independent") {
    scripted_channel s;
    std::vector<std::unique_ptr<net::call>> calls;
    std::vector<stream_id> ids;
    s.peer.server().on_end = [&](stream_id id) { ids.push_back(id); };
    for (int i = 0; i < 20; ++i) calls.push_back(s.call(std::to_string(i)));
    REQUIRE(ids.size() == 20);
    for (std::size_t i = ids.size(); i > 0; --i) s.peer.reply(ids[i - 1], s.peer.messages(ids[i - 1]).at(0));
    for (int i = 0; i < 20; ++i)
        CHECK(finish(s.loop, *calls[static_cast<std::size_t>(i)]).messages == lines{std::to_string(i)});
}

TEST_CASE("a stream of messages arrives in order, and its status after all of them") {
    scripted_channel s;
    s.peer.server().on_end = [&](stream_id id) {
        s.peer.begin(id);
        for (int i = 0; i < 100; ++i) s.peer.message(id, std::string(1000, static_cast<char>('a' + i % 26)));
        s.peer.finish(id, 14, "no more");
    };
    const auto call = s.call();
    const auto out = finish(s.loop, *call);
    CHECK(out.messages.size() == 100);
    CHECK(out.messages[27] == std::string(1000, 'b'));
    CHECK(out.status.value == grpc::code::unavailable);
    CHECK(out.status.message == "no more");
    CHECK(out.status.from == grpc::origin::server);
}

TEST_CASE("a status without a message is reported") {
    scripted_channel s;
    s.peer.server().on_end = [&](stream_id id) { s.peer.refuse(id, 7, "etcdserver: permission denied"); };
    const auto call = s.call();
    const auto out = finish(s.loop, *call);
    CHECK(out.messages.empty());
    CHECK(out.status.value == grpc::code::permission_denied);
    CHECK(out.status.message == "etcdserver: permission denied");
}

TEST_CASE("metadata is sent with the request") {
    scripted_channel s;
    net::call_options options;
    options.metadata = {{"hasleader", "true", false}, {"token", "secret.7", true}};
    const auto call = s.call("q", options);
    const auto& request = s.peer.server().requests().begin()->second;
    CHECK(request.value("hasleader") == "true");
    CHECK(request.value("token") == "secret.7");
}

TEST_CASE("the deadline ends a call on our side and on the server") {
    scripted_channel s;
    net::call_options options;
    options.patience = net::call_patience{5s, 5s};
    const auto call = s.call("q", options);
    const auto before = s.loop.clock.now();
    const auto out = finish(s.loop, *call, 1h);
    CHECK(s.loop.clock.now() - before == 5s);
    CHECK(out.status.value == grpc::code::deadline_exceeded);
    CHECK(out.status.from == grpc::origin::deadline);
    s.loop.settle();
    CHECK(s.peer.server().requests().begin()->second.reset == http2::error_code::cancel);
    CHECK(s.channel->usable());
}

TEST_CASE("messages that arrived before the deadline are delivered, later ones are not") {
    scripted_channel s;
    net::call_options options;
    options.patience = net::call_patience{5s, 5s};
    const auto call = s.call("q", options);
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.begin(id);
    s.peer.message(id, "in time");
    s.loop.settle();
    s.wire.to_client->stall();
    s.peer.message(id, "too late");
    s.peer.finish(id);
    s.loop.clock.advance(7s);  // the message in time counts from when it was noticed
    s.wire.to_client->resume();
    s.loop.settle();
    const auto out = finish(s.loop, *call);
    CHECK(out.messages == lines{"in time"});
    CHECK(out.status.from == grpc::origin::deadline);
}

TEST_CASE("while the response arrives, however slowly, a call does not end") {
    scripted_channel s;
    net::call_options options;
    options.patience = net::call_patience{5s, 10s};
    const auto call = s.call("q", options);
    s.loop.clock.advance(9s);
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.begin(id);
    for (int i = 0; i < 10; ++i) {
        s.peer.message(id, "part");
        s.loop.settle();
        s.loop.clock.advance(4s);
    }
    s.peer.finish(id);
    CHECK(finish(s.loop, *call).status.ok());
}

TEST_CASE("a request that does not leave ends its call sooner than one whose answer is awaited") {
    for (const bool leaves : {true, false}) {
        scripted_channel s;
        net::call_options options;
        options.patience = net::call_patience{5s, 10s};
        if (!leaves) s.wire.to_server->stall();
        const auto call = s.call("q", options);
        const auto before = s.loop.clock.now();
        CHECK(finish(s.loop, *call, 1h).status.from == grpc::origin::deadline);
        CHECK(s.loop.clock.now() - before == (leaves ? 10s : 5s));
    }
}

TEST_CASE("a call that has ended leaves no handler in the clock") {
    scripted_channel s;
    net::call_options options;
    options.patience = net::call_patience{1h, 1h};
    const auto call = s.call("q", options);
    const std::size_t with_call = s.loop.clock.pending();
    s.peer.reply(s.peer.server().requests().begin()->first, "answer");
    CHECK(finish(s.loop, *call).status.ok());
    CHECK(s.loop.clock.pending() == with_call - 1);
}

TEST_CASE("cancel() ends a pending receive() at once") {
    scripted_channel s;
    const auto call = s.call();
    net::call_result out;
    s.loop.tasks.spawn("reader", net::read_all(*call, out));
    s.loop.settle();
    CHECK_FALSE(out.ended);
    call->cancel();
    s.loop.settle();
    CHECK(out.ended);
    CHECK(out.status.from == grpc::origin::local);
    CHECK(s.peer.server().requests().begin()->second.reset == http2::error_code::cancel);
}

TEST_CASE("destroying a call resets its stream and keeps the connection") {
    scripted_channel s;
    auto unwanted = s.call();
    unwanted.reset();
    s.loop.settle();
    CHECK(s.peer.server().requests().begin()->second.reset == http2::error_code::cancel);
    echo(s);
    const auto next = s.call("next");
    CHECK(finish(s.loop, *next).messages == lines{"next"});
}

TEST_CASE("a call may be destroyed before its request is sent") {
    scripted_channel s;
    {
        const auto call = s.channel->open("/s/m", {});
        call->send(grpc::frame("x"), true);
    }
    s.loop.settle();
    echo(s);
    const auto next = s.call("next");
    CHECK(finish(s.loop, *next).messages == lines{"next"});
}

TEST_CASE("a message above the limit ends the call before it is stored") {
    scripted_channel s;
    net::call_options options;
    options.max_message = 1000;
    s.peer.server().on_end = [&](stream_id id) {
        s.peer.begin(id);
        s.peer.server().data(id, std::string("\0\x7f\xff\xff\xff", 5) + std::string(100, 'x'));
        s.peer.flush();
    };
    const auto call = s.call("q", options);
    const auto out = finish(s.loop, *call);
    CHECK(out.messages.empty());
    CHECK(out.status.value == grpc::code::resource_exhausted);
    CHECK(out.status.from == grpc::origin::connection);
    s.loop.settle();
    CHECK(s.peer.server().requests().begin()->second.reset == http2::error_code::cancel);
}

TEST_CASE("the error says that the peer is not a gRPC server") {
    scripted_channel s;
    s.peer.server().on_end = [&](stream_id id) {
        s.peer.server().respond(id, {{":status", "404"}, {"content-type", "text/html"}});
        s.peer.server().data(id, "<html>", true);
        s.peer.flush();
    };
    const auto call = s.call();
    const auto out = finish(s.loop, *call);
    CHECK(out.status.value == grpc::code::unimplemented);
    CHECK(out.status.message.find("text/html") != std::string::npos);
}

TEST_CASE("take() returns a part of a message when enough has arrived, and ends the call") {
    scripted_channel s;
    const auto call = s.call();
    const stream_id id = s.peer.server().requests().begin()->first;
    s.peer.begin(id);
    const std::string framed = grpc::frame(std::string(100'000, 'p'));
    s.peer.server().data(id, std::string_view(framed).substr(0, 50'005));
    s.peer.flush();
    s.loop.settle();
    const auto progress = s.loop.run(call->receive(40'000));
    CHECK(progress == net::call::progress::partial);
    const std::string part = call->take();
    CHECK(part == std::string(50'000, 'p'));
    const auto after = s.loop.run(call->receive());
    CHECK(after == net::call::progress::ended);
    CHECK(call->status().from == grpc::origin::local);
    s.loop.settle();
    CHECK(s.peer.server().request(id).reset == http2::error_code::cancel);
}

TEST_CASE("receive() prefers a complete message to a part") {
    scripted_channel s;
    s.peer.server().on_end = [&](stream_id id) { s.peer.reply(id, std::string(5000, 'w')); };
    const auto call = s.call();
    const auto progress = s.loop.run(call->receive(100));
    CHECK(progress == net::call::progress::message);
    CHECK(call->take().size() == 5000);
}
