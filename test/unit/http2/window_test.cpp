// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

using namespace etcdsync::http2;
using etcdsync::test::http2_server_options;

namespace {

session_options small_windows() {
    session_options options;
    options.stream_window = 10'000;
    options.connection_window = 100'000;
    return options;
}

/// A call with a started response and `size` bytes of body on their way.
stream_id start_response(wire& w, std::size_t size) {
    const auto id = w.call();
    w.client.send(id, "", true);
    w.pump();
    w.server.respond(id, ok_headers);
    w.server.data(id, std::string(size, 'x'));
    w.pump();
    return id;
}

}  // namespace

TEST_CASE("the server stalls until the bytes are consumed") {
    wire w(small_windows());
    w.sink.consumes = false;
    const auto id = start_response(w, 25'000);
    CHECK(w.sink.bodies[id].size() == 10'000);
    w.sink.release(id);
    w.pump();
    CHECK(w.sink.bodies[id].size() == 20'000);
    w.sink.release(id);
    w.pump();
    CHECK(w.sink.bodies[id].size() == 25'000);
}

TEST_CASE("one stalled stream does not stall another") {
    wire w(small_windows());
    w.sink.consumes = false;
    const auto stalled = start_response(w, 50'000);
    w.sink.consumes = true;
    const auto active = start_response(w, 500'000);
    CHECK(w.sink.bodies[stalled].size() == 10'000);
    CHECK(w.sink.bodies[active].size() == 500'000);
}

TEST_CASE("bytes of a closed stream are released to the connection, however it was closed") {
    enum class ending { reset_by_us, reset_by_server, trailers };
    for (const auto how : {ending::reset_by_us, ending::reset_by_server, ending::trailers}) {
        CAPTURE(static_cast<int>(how));
        wire w(small_windows());
        w.sink.consumes = false;
        for (int round = 0; round < 50; ++round) {
            const auto id = start_response(w, how == ending::trailers ? 9'000 : 30'000);
            if (how == ending::reset_by_us) w.client.reset(id, error_code::cancel);
            if (how == ending::reset_by_server) w.server.reset(id, error_code::internal_error);
            if (how == ending::trailers) w.server.trailers(id, ok_trailers);
            w.pump();
            CHECK(w.client.open_streams() == 0);
            w.sink.release(id);  // not yet released when the stream was closed
            w.pump();
        }
        // Up to half a window may be held back: WINDOW_UPDATE is only sent when it is worth a
        // frame.
        CHECK(w.server.connection_window() >= 50'000);
        w.sink.consumes = true;
        const auto id = start_response(w, 300'000);
        CHECK(w.sink.bodies[id].size() == 300'000);
    }
}

TEST_CASE("bytes that arrive after our reset are released by the session itself") {
    wire w(small_windows());
    for (int round = 0; round < 100; ++round) {
        const auto id = w.call();
        w.client.send(id, "", true);
        w.pump();
        w.server.respond(id, ok_headers);
        w.server.data(id, std::string(10'000, 'x'));
        const std::string answer = w.server.pull();
        w.client.reset(id, error_code::cancel);
        std::string out;
        if (round % 2 == 0) out = w.pull();  // the reset is sent before the response arrives
        CHECK(w.feed(answer) == "");
        w.server.feed(out);
        w.pump();
        CHECK(w.sink.bodies[id].empty());
    }
    CHECK(w.server.connection_window() >= 50'000);
}

TEST_CASE("padding is released by the library") {
    wire w(small_windows());
    const auto id = w.call();
    w.pump();
    w.server.respond(id, ok_headers);
    w.pump();
    const std::string padded =
        raw_frame(type::data, flag::padded, id, '\xff' + std::string("x") + std::string(255, '\0'));
    std::size_t credited = 0;
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(w.feed(padded) == "");
        for (const auto& update : payloads(w.pull(), type::window_update)) {
            credited += static_cast<unsigned char>(update[2]) * 256U + static_cast<unsigned char>(update[3]);
        }
    }
    CHECK(w.sink.bodies[id].size() == 1000);
    CHECK(credited > 300'000);
}

TEST_CASE("our bodies stop at the server's windows and continue when they open") {
    http2_server_options peer;
    peer.stream_window = 5'000;
    peer.manual_window = true;
    wire w({}, peer);
    w.pump();
    const auto id = w.call();
    w.client.send(id, std::string(12'000, 'x'), true);
    w.pump();
    CHECK(w.server.request(id).body.size() == 5'000);
    w.server.consume(id, 5'000);
    w.pump();
    CHECK(w.server.request(id).body.size() == 10'000);
    w.server.consume(id, 5'000);
    w.pump();
    CHECK(w.server.request(id).body.size() == 12'000);
    CHECK(w.server.request(id).ended);
}

TEST_CASE("a window of zero holds back the body, but not the headers or a reset") {
    http2_server_options peer;
    peer.stream_window = 0;
    wire w({}, peer);
    w.pump();
    const auto id = w.call();
    w.client.send(id, "x", true);
    w.pump();
    CHECK(w.server.request(id).body.empty());
    w.client.reset(id, error_code::cancel);
    w.pump();
    CHECK(w.server.request(id).reset == error_code::cancel);
    CHECK(w.sink.log.back() == "close 1 CANCEL");
}

TEST_CASE("bytes above the stream's window end the stream") {
    wire w(small_windows());
    w.sink.consumes = false;
    const auto id = start_response(w, 10'000);
    CHECK(w.feed(raw_frame(type::data, flag::none, id, "x")) == "");
    w.pump();
    CHECK(w.sink.log.back() == "close 1 FLOW_CONTROL_ERROR");
    w.sink.release(id);  // including the excess byte: the library still reports it
    w.pump();
    CHECK(w.server.connection_window() >= 50'000);
}

TEST_CASE("bytes above the connection's window end the connection") {
    session_options options = small_windows();
    options.stream_window = 1U << 20;
    wire w(options);
    w.sink.consumes = false;
    const auto id = start_response(w, 200'000);
    CHECK(w.sink.bodies[id].size() == 100'000);
    CHECK(w.feed(raw_frame(type::data, flag::none, id, "x")).find("FLOW_CONTROL_ERROR") != std::string::npos);
}
