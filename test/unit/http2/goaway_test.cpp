// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <array>

using namespace etcdsync::http2;
using etcdsync::test::http2_server_options;

TEST_CASE("after GOAWAY old streams continue, later ones are unprocessed and new ones rejected") {
    wire w;
    const auto first = w.call();
    const auto second = w.call();
    w.pump();
    CHECK_FALSE(w.client.draining());
    w.server.respond(first, ok_headers);
    w.pump();
    w.server.inject(raw_frame(type::goaway, flag::none, 0,
                              etcdsync::test::big_endian(1) + etcdsync::test::big_endian(0) + "graceful_stop"));
    w.pump();
    CHECK(w.client.draining());
    CHECK(w.sink.has("goaway NO_ERROR graceful_stop"));
    CHECK(w.sink.log.back() == "close 3 REFUSED_STREAM unprocessed");
    CHECK(w.client.open_streams() == 1);
    const std::array<header_view, 1> headers = {{{":method", "POST"}}};
    CHECK_FALSE(w.client.submit_request(headers).has_value());
    CHECK_FALSE(w.client.finished());
    w.server.data(first, "still here");
    w.server.trailers(first, ok_trailers);
    w.pump();
    CHECK(w.sink.bodies[first] == "still here");
    CHECK(w.sink.log.back() == "close 1 NO_ERROR");
    CHECK(w.client.finished());
    CHECK(second == 3);
}

TEST_CASE("a graceful stop sends two GOAWAYs: first without a limit, then with the actual last id") {
    wire w;
    w.call();
    w.call();
    w.pump();
    const auto goaway = [](std::uint32_t last) {
        return raw_frame(type::goaway, flag::none, 0, etcdsync::test::big_endian(last) + std::string(4, '\0'));
    };
    CHECK(w.feed(goaway(0x7fff'ffff)) == "");
    CHECK(w.client.draining());
    CHECK(w.client.open_streams() == 2);
    CHECK(w.feed(goaway(1)) == "");
    CHECK(w.client.open_streams() == 1);
    CHECK(w.feed(goaway(1)) == "");
    CHECK(w.feed(goaway(3)).find("invalid last_stream_id") != std::string::npos);  // must not grow: section 6.8
}

TEST_CASE("requests that wait for the concurrency limit are unprocessed after GOAWAY") {
    http2_server_options peer;
    peer.max_concurrent_streams = 1;
    wire w({}, peer);
    w.pump();
    const auto first = w.call();
    const auto second = w.call();
    w.client.send(second, "x", true);
    w.pump();
    w.server.goaway(first, error_code::no_error);
    w.pump();
    CHECK(w.sink.log.back() == "close 3 REFUSED_STREAM unprocessed");
    CHECK(w.client.open_streams() == 1);
    w.server.respond(first, ok_headers, true);
    w.pump();
    CHECK(w.client.finished());
    CHECK(w.server.requests().size() == 1);
}

TEST_CASE("a refused stream is unprocessed, unless a response had started") {
    for (const bool answered : {false, true}) {
        CAPTURE(answered);
        wire w;
        const auto id = w.call();
        w.pump();
        if (answered) w.server.respond(id, ok_headers);
        w.pump();
        w.server.reset(id, error_code::refused_stream);
        w.pump();
        CHECK(w.sink.log.back() == (answered ? "close 1 REFUSED_STREAM" : "close 1 REFUSED_STREAM unprocessed"));
    }
}

TEST_CASE("other resets do not mean that a request is unprocessed") {
    for (const auto code : {error_code::cancel, error_code::internal_error, error_code::no_error, error_code{0x1234}}) {
        wire w;
        const auto id = w.call();
        w.pump();
        w.server.inject(
            raw_frame(type::rst_stream, flag::none, id, etcdsync::test::big_endian(static_cast<std::uint32_t>(code))));
        w.pump();
        CHECK(w.sink.log.back() == "close 1 " + to_string(code));
    }
}

TEST_CASE("a connection reports early that it runs out of stream ids") {
    session_options options;
    options.first_stream_id = 0x7fff'ffff - 4096;  // 2049 ids left
    wire w(options);
    w.server.on_end = [&](stream_id s) { w.server.respond(s, ok_headers, true); };
    int calls = 0;
    while (!w.client.draining()) {
        w.client.send(w.call(), "", true);
        w.pump();
        ++calls;
    }
    CHECK(calls == 1025);
    const std::array<header_view, 4> headers = {
        {{":method", "POST"}, {":scheme", "http"}, {":path", "/s/m"}, {":authority", "test:2379"}}};
    int reserve = 0;
    auto id = w.client.submit_request(headers);
    for (; id; id = w.client.submit_request(headers)) {
        w.client.send(*id, "", true);
        w.pump();
        ++reserve;
    }
    CHECK(calls + reserve == 2049);
    CHECK(id.error().text == "cannot open a stream: the connection has no stream ids left");
    CHECK(w.client.open_streams() == 0);
}
