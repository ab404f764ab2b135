// SPDX-License-Identifier: Apache-2.0
#include "net/http2_channel.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using http2::stream_id;
using net::finish;
using test::scripted_channel;

namespace {

net::channel_options small_windows() {
    net::channel_options options;
    options.http2.stream_window = 20'000;
    options.http2.connection_window = 60'000;
    return options;
}

/// Answers the latest request with `count` messages of 1,000 bytes.
stream_id send_messages(scripted_channel& s, int count) {
    const stream_id id = s.peer.server().requests().rbegin()->first;
    s.peer.begin(id);
    for (int i = 0; i < count; ++i) s.peer.message(id, std::string(1000, 'x'));
    s.peer.finish(id);
    s.loop.settle();
    return id;
}

}  // namespace

TEST_CASE("a reader that pauses stalls the server at the window, and gets everything when it continues") {
    scripted_channel s(small_windows());
    const auto call = s.call();
    send_messages(s, 1000);
    // The window, and the frame with the message that is awaited.
    CHECK(s.wire.to_client->carried < 20'000 + 16'384 + 1'000);
    const auto before = s.wire.to_client->carried;
    s.loop.settle();
    CHECK(s.wire.to_client->carried == before);
    const auto out = finish(s.loop, *call);
    CHECK(out.messages.size() == 1000);
    CHECK(out.status.ok());
}

TEST_CASE("a reader that pauses does not stall the other calls") {
    scripted_channel s(small_windows());
    const auto slow = s.call();
    send_messages(s, 1000);
    for (int round = 0; round < 20; ++round) {
        const auto active = s.call();
        send_messages(s, 50);
        CHECK(finish(s.loop, *active).messages.size() == 50);
    }
    CHECK(finish(s.loop, *slow).messages.size() == 1000);
}

TEST_CASE("a destroyed call with unread messages releases the connection window") {
    scripted_channel s(small_windows());
    for (int round = 0; round < 30; ++round) {
        const auto unread = s.call();
        send_messages(s, 100);
    }
    s.loop.settle();
    const auto call = s.call();
    send_messages(s, 200);
    CHECK(finish(s.loop, *call).messages.size() == 200);
}

TEST_CASE("a call that was canceled or took only a part of a message releases the connection window") {
    scripted_channel s(small_windows());
    for (int round = 0; round < 30; ++round) {
        const auto call = s.call();
        const stream_id id = s.peer.server().requests().rbegin()->first;
        s.peer.begin(id);
        if (round % 2 == 0) {
            for (int i = 0; i < 100; ++i) s.peer.message(id, std::string(1000, 'x'));
            s.loop.settle();
            call->cancel();
        } else {
            s.peer.message(id, std::string(100'000, 'x'));
            const auto progress = s.loop.run(call->receive(5'000));
            CHECK(progress == net::call::progress::partial);
            CHECK(call->take().size() >= 5'000);
        }
        s.loop.settle();
    }
    const auto call = s.call();
    send_messages(s, 200);
    CHECK(finish(s.loop, *call).messages.size() == 200);
}

TEST_CASE("a message larger than the window arrives") {
    scripted_channel s(small_windows());
    s.peer.server().on_end = [&](stream_id id) { s.peer.reply(id, std::string(500'000, 'x')); };
    const auto call = s.call();
    const auto out = finish(s.loop, *call);
    REQUIRE(out.messages.size() == 1);
    CHECK(out.messages[0].size() == 500'000);
}

TEST_CASE("a server that does not read only stalls our writes") {
    test::http2_server_options server;
    server.manual_window = true;
    scripted_channel s({}, server);
    const auto large = s.call(std::string(500'000, 'q'));
    const stream_id id = s.peer.server().requests().begin()->first;
    CHECK(s.peer.server().request(id).body.size() == 65'535);
    CHECK_FALSE(s.peer.server().request(id).ended);
    std::size_t credited = 0;
    for (int round = 0; round < 100 && !s.peer.server().request(id).ended; ++round) {
        const std::size_t body = s.peer.server().request(id).body.size();
        s.peer.server().consume(id, body - credited);
        credited = body;
        s.peer.flush();
        s.loop.settle();
    }
    CHECK(s.peer.server().request(id).ended);
    CHECK(s.peer.messages(id) == std::vector<std::string>{std::string(500'000, 'q')});
}
