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

namespace {

/// The number of PING frames that a client sent.
std::size_t pings_in(std::string_view bytes) {
    std::size_t count = 0;
    while (bytes.size() >= 9) {
        const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
        const std::size_t length = at(0) << 16U | at(1) << 8U | at(2);
        if (at(3) == 6 && (at(4) & 1U) == 0) ++count;
        if (bytes.size() < 9 + length) break;
        bytes.remove_prefix(9 + length);
    }
    return count;
}

/// A client whose peer only sends its SETTINGS, or nothing, and records what it receives.
struct silent_peer {
    explicit silent_peer(bool sends_settings = true) {
        loop.settle();
        if (sends_settings) send(test::raw_frame(4, 0, 0));
    }

    void send(std::string bytes) {
        wire.to_client->waiting = std::move(bytes);
        wire.to_client->changed.notify();
        loop.settle();
    }

    std::string sent() {
        std::string out = std::exchange(wire.to_server->waiting, {});
        wire.to_server->changed.notify();
        loop.settle();
        return out;
    }

    test::test_loop loop;
    test::memory_connection wire{loop.executor()};
    std::shared_ptr<net::channel> channel = net::make_http2_channel(
        std::move(wire.client), {"http://peer:1", "peer", 1, nullptr, {}}, loop.clock, loop.tasks, {});
};

}  // namespace

TEST_CASE("a silent peer with an open call gets one PING, and then counts as dead") {
    silent_peer s;
    const auto call = s.channel->open("/s/m", {});
    s.loop.settle();
    s.sent();
    s.loop.clock.advance(9s);
    CHECK(pings_in(s.sent()) == 0);
    s.loop.clock.advance(1s);
    CHECK(pings_in(s.sent()) == 1);
    CHECK(s.channel->usable());
    s.loop.clock.advance(4s);
    CHECK(s.channel->usable());
    s.loop.clock.advance(1s);
    CHECK_FALSE(s.channel->usable());
    const auto out = finish(s.loop, *call);
    CHECK(out.status.value == grpc::code::unavailable);
    CHECK(out.status.message == "peer:1: no sign of life for 15 s");
}

TEST_CASE("a peer that answers PINGs stays connected") {
    scripted_channel s;
    const auto call = s.call();
    s.loop.clock.advance(1h);
    CHECK(s.channel->usable());
    s.loop.clock.advance(24h);
    CHECK(s.channel->usable());
}

TEST_CASE("no PING is sent while the peer sends bytes") {
    silent_peer quiet;
    const auto call = quiet.channel->open("/s/m", {});
    quiet.loop.settle();
    quiet.sent();
    // Any bytes count, also frames of unknown types.
    std::size_t pings = 0;
    for (int i = 0; i < 20; ++i) {
        quiet.loop.clock.advance(9s);
        quiet.send(test::raw_frame(99, 0, 0, "x"));
        pings += pings_in(quiet.sent());
    }
    CHECK(pings == 0);
    CHECK(quiet.channel->usable());
}

TEST_CASE("no PING is sent without an open call, because etcd considers that abuse") {
    silent_peer s;
    s.sent();
    s.loop.clock.advance(1h);
    CHECK(pings_in(s.sent()) == 0);
    CHECK(s.channel->usable());
    {
        const auto call = s.channel->open("/s/m", {});
        s.loop.settle();
    }
    s.loop.settle();
    s.sent();
    s.loop.clock.advance(1h);
    CHECK(pings_in(s.sent()) == 0);
    CHECK(s.channel->usable());
    CHECK(s.loop.clock.pending() == 0);
}

TEST_CASE("silence before the call does not count") {
    silent_peer s;
    s.loop.clock.advance(1h);
    const auto call = s.channel->open("/s/m", {});
    s.loop.settle();
    s.sent();
    s.loop.clock.advance(9s);
    CHECK(pings_in(s.sent()) == 0);
    CHECK(s.channel->usable());
}

TEST_CASE("a peer that does not read our bytes counts as dead, too") {
    silent_peer s;
    s.wire.to_server->capacity = 10;
    const auto call = s.channel->open("/s/m", {});
    call->send(grpc::frame(std::string(100'000, 'x')), true);
    s.loop.settle();
    s.loop.clock.advance(15s);
    CHECK_FALSE(s.channel->usable());
    CHECK(finish(s.loop, *call).status.value == grpc::code::unavailable);
}

TEST_CASE("a peer that accepts a connection but sends nothing is dropped after three seconds") {
    silent_peer s(false);
    std::unique_ptr<net::call> call;
    SUBCASE("with a call") { call = s.channel->open("/s/m", {}); }
    SUBCASE("without one") {}
    s.loop.clock.advance(2900ms);
    CHECK(s.channel->usable());
    s.loop.clock.advance(200ms);
    CHECK_FALSE(s.channel->usable());
    if (!call) return;
    const auto out = finish(s.loop, *call);
    CHECK(out.status.message == "peer:1: the peer accepts connections but sends nothing: it hangs or is not etcd");
}

TEST_CASE("if a peer closes without an answer, the error suggests TLS") {
    silent_peer s(false);
    const auto call = s.channel->open("/s/m", {});
    std::string how;
    SUBCASE("with FIN") { s.wire.server->close(); }
    SUBCASE("with RST, because of unread bytes") {
        s.wire.cut();
        how = " (Connection reset by peer)";
    }
    s.loop.settle();
    const auto out = finish(s.loop, *call);
    CHECK(out.status.message ==
          "peer:1: the server closed the connection without an answer: does its endpoint need https://?" + how);
}
