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

/// A call whose answer has begun, with `size` bytes of body to come.
stream_id begin_answer(wire& w, std::size_t size) {
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
    const auto id = begin_answer(w, 25'000);
    CHECK(w.sink.bodies[id].size() == 10'000);
    w.sink.pay(id);
    w.pump();
    CHECK(w.sink.bodies[id].size() == 20'000);
    w.sink.pay(id);
    w.pump();
    CHECK(w.sink.bodies[id].size() == 25'000);
}

TEST_CASE("one stalled stream does not stall another") {
    wire w(small_windows());
    w.sink.consumes = false;
    const auto stalled = begin_answer(w, 50'000);
    w.sink.consumes = true;
    const auto lively = begin_answer(w, 500'000);
    CHECK(w.sink.bodies[stalled].size() == 10'000);
    CHECK(w.sink.bodies[lively].size() == 500'000);
}

TEST_CASE("bytes of a stream that is gone are given back to the connection, whoever ended it") {
    enum class ending { reset_by_us, reset_by_server, trailers };
    for (const auto how : {ending::reset_by_us, ending::reset_by_server, ending::trailers}) {
        CAPTURE(static_cast<int>(how));
        wire w(small_windows());
        w.sink.consumes = false;
        for (int round = 0; round < 50; ++round) {
            const auto id = begin_answer(w, how == ending::trailers ? 9'000 : 30'000);
            if (how == ending::reset_by_us) w.client.reset(id, error_code::cancel);
            if (how == ending::reset_by_server) w.server.reset(id, error_code::internal_error);
            if (how == ending::trailers) w.server.trailers(id, ok_trailers);
            w.pump();
            CHECK(w.client.open_streams() == 0);
            w.sink.pay(id);  // only now: the debt outlives the stream
            w.pump();
        }
        // Half a window may be kept back: WINDOW_UPDATE is sent when it is worth a frame.
        CHECK(w.server.connection_window() >= 50'000);
        w.sink.consumes = true;
        const auto id = begin_answer(w, 300'000);
        CHECK(w.sink.bodies[id].size() == 300'000);
    }
}

TEST_CASE("bytes that come behind our reset are given back by the session itself") {
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
        if (round % 2 == 0) out = w.pull();  // the reset left before the answer came
        CHECK(w.feed(answer) == "");
        w.server.feed(out);
        w.pump();
        CHECK(w.sink.bodies[id].empty());
    }
    CHECK(w.server.connection_window() >= 50'000);
}

TEST_CASE("padding is given back by the library") {
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

TEST_CASE("our bodies stop at the server's windows and go on with them") {
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

TEST_CASE("a window of zero holds the body, not the headers, and a reset still leaves") {
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

TEST_CASE("bytes above our window are the server's error") {
    wire w(small_windows());
    w.sink.consumes = false;
    const auto id = begin_answer(w, 10'000);
    CHECK(w.feed(raw_frame(type::data, flag::none, id, "x")) == "");
    w.pump();
    CHECK(w.sink.log.back() == "close 1 FLOW_CONTROL_ERROR");
    w.sink.pay(id);  // also what was too much: the library tells it still
    w.pump();
    CHECK(w.server.connection_window() >= 50'000);
}

TEST_CASE("bytes above the connection's window end the connection") {
    session_options options = small_windows();
    options.stream_window = 1U << 20;
    wire w(options);
    w.sink.consumes = false;
    const auto id = begin_answer(w, 200'000);
    CHECK(w.sink.bodies[id].size() == 100'000);
    CHECK(w.feed(raw_frame(type::data, flag::none, id, "x")).find("FLOW_CONTROL_ERROR") != std::string::npos);
}
