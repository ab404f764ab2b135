// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

using namespace etcdsync::http2;
using etcdsync::test::http2_server_options;

TEST_CASE("a request with a body is answered with headers, a body and trailers") {
    wire w;
    const auto id = w.call("/etcdserverpb.KV/Range");
    w.client.send(id, "ping", true);
    w.server.on_end = [&](stream_id s) {
        w.server.respond(s, ok_headers);
        w.server.data(s, "pong");
        w.server.trailers(s, ok_trailers);
    };
    w.pump();
    CHECK(w.server.request(id).value(":path") == "/etcdserverpb.KV/Range");
    CHECK(w.server.request(id).body == "ping");
    CHECK(w.sink.bodies[id] == "pong");
    CHECK(w.sink.log == std::vector<std::string>{"headers 1 :status=200 content-type=application/grpc", "data 1",
                                                 "headers 1 grpc-status=0 end", "close 1 NO_ERROR"});
    CHECK(w.client.open_streams() == 0);
    CHECK_FALSE(w.client.finished());
}

TEST_CASE("a response of one header block (Trailers-Only) is reported with its end") {
    wire w;
    const auto id = w.call();
    w.client.send(id, "x", true);
    w.server.on_end = [&](stream_id s) { w.server.respond(s, {{":status", "200"}, {"grpc-status", "7"}}, true); };
    w.pump();
    CHECK(w.sink.log == std::vector<std::string>{"headers 1 :status=200 grpc-status=7 end", "close 1 NO_ERROR"});
}

TEST_CASE("a body that ends without trailers closes the stream without an error") {
    wire w;
    const auto id = w.call();
    w.client.send(id, "x", true);
    w.server.on_end = [&](stream_id s) {
        w.server.respond(s, ok_headers);
        w.server.data(s, "y", true);
    };
    w.pump();
    CHECK(w.sink.log.back() == "close 1 NO_ERROR");
}

TEST_CASE("if the server ends the call while our side is open, we close the stream") {
    for (const bool by_headers : {true, false}) {
        CAPTURE(by_headers);
        wire w;
        const auto id = w.call();
        w.client.send(id, "half", false);
        w.pump();
        w.server.respond(id, ok_headers, false);
        if (by_headers) {
            w.server.trailers(id, ok_trailers);
        } else {
            w.server.data(id, "all", true);
        }
        w.pump();
        CHECK(w.sink.log.back() == "close 1 NO_ERROR");
        CHECK(w.server.request(id).reset == error_code::no_error);
        CHECK(w.client.open_streams() == 0);
        w.client.send(id, "late", true);  // ignored
        w.pump();
    }
}

TEST_CASE("RST_STREAM(NO_ERROR) after a complete response is not an error") {
    wire w;
    const auto id = w.call();
    w.pump();
    w.server.respond(id, ok_headers, false);
    w.server.trailers(id, ok_trailers);
    std::string answer = w.server.pull() + raw_frame(type::rst_stream, flag::none, id, std::string(4, '\0'));
    CHECK(w.feed(answer) == "");
    CHECK(w.sink.log.back() == "close 1 NO_ERROR");
    w.pump();
    CHECK(w.sink.log.size() == 3);
}

TEST_CASE("body pieces are sent in order, and the end with the last one") {
    wire w;
    const auto id = w.call();
    for (const char* piece : {"one ", "", "two ", "three"}) {
        w.client.send(id, piece, false);
        w.pump();
        CHECK_FALSE(w.server.request(id).ended);
    }
    CHECK(w.server.request(id).body == "one two three");
    w.client.send(id, "", true);
    w.pump();
    CHECK(w.server.request(id).ended);
    CHECK(w.server.request(id).body == "one two three");
}

TEST_CASE("large bodies pass through small windows in both directions") {
    session_options options;
    options.stream_window = 70'000;
    options.connection_window = 100'000;
    wire w(options);
    std::string body;
    for (int i = 0; body.size() < 3'000'000; ++i) body += std::to_string(i) + ",";
    const auto id = w.call();
    const auto other = w.call();
    for (const auto s : {id, other}) {
        w.client.send(s, body, false);
        w.client.send(s, "!", true);
    }
    w.server.on_end = [&](stream_id s) {
        w.server.respond(s, ok_headers);
        w.server.data(s, w.server.request(s).body);
        w.server.trailers(s, ok_trailers);
    };
    w.pump();
    CHECK(w.sink.bodies[id] == body + "!");
    CHECK(w.sink.bodies[other] == body + "!");
}

TEST_CASE("frames above 16 KiB are sent if the server accepts them") {
    http2_server_options peer;
    peer.stream_window = 1U << 20;
    peer.max_frame_size = 1U << 20;
    wire w({}, peer);
    w.pump();  // its SETTINGS must be known first
    const auto id = w.call();
    w.client.send(id, std::string(60'000, 'x'), true);
    const auto frames = payloads(w.pull(), type::data);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].size() == 60'000);
}

TEST_CASE("the first bytes announce our settings and window") {
    session_options options;
    options.stream_window = 123'456;
    options.connection_window = 1'000'000;
    options.max_frame_size = 99'999;
    wire w(options);
    const std::string hello = w.pull();
    CHECK(hello.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    const auto updates = payloads(hello, type::window_update);
    REQUIRE(updates.size() == 1);
    CHECK(updates[0] == etcdsync::test::big_endian(1'000'000 - 65'535));
    w.server.feed(hello);
    CHECK(w.server.client_setting(2) == 0);        // ENABLE_PUSH
    CHECK(w.server.client_setting(4) == 123'456);  // INITIAL_WINDOW_SIZE
    CHECK(w.server.client_setting(5) == 99'999);   // MAX_FRAME_SIZE
    CHECK(w.server.client_setting(9) == 1);        // NO_RFC7540_PRIORITIES
    CHECK(w.server.connection_window() == 1'000'000);
}

TEST_CASE("options outside the limits of HTTP/2 are clamped") {
    session_options options;
    options.stream_window = 0xffff'ffff;
    options.connection_window = 0xffff'ffff;
    options.max_frame_size = 1;
    wire w(options);
    w.pump();
    CHECK(w.server.client_setting(4) == 0x7fff'ffff);
    CHECK(w.server.client_setting(5) == 16'384);
}

TEST_CASE("a PING is answered, and the answers to our own are reported") {
    wire w;
    w.client.ping(0x0102030405060708);
    w.server.ping(77);
    w.pump();
    CHECK(w.sink.has("pong " + std::to_string(0x0102030405060708)));
    CHECK(w.server.acknowledged() == std::vector<std::uint64_t>{77});
}

TEST_CASE("up to eight informational responses are ignored") {
    for (const int count : {8, 9}) {
        CAPTURE(count);
        wire w;
        const auto id = w.call();
        w.client.send(id, "", true);
        w.pump();
        for (int i = 0; i < count; ++i) w.server.inform(id, {{":status", "103"}});
        w.server.respond(id, ok_headers, true);
        w.pump();
        CHECK(w.sink.log.size() == (count == 8 ? 2 : 1));
        CHECK(w.sink.log.back() == (count == 8 ? "close 1 NO_ERROR" : "close 1 ENHANCE_YOUR_CALM"));
    }
}

TEST_CASE("error codes have the names of RFC 9113") {
    CHECK(to_string(error_code::no_error) == "NO_ERROR");
    CHECK(to_string(error_code::enhance_your_calm) == "ENHANCE_YOUR_CALM");
    CHECK(to_string(error_code::http_1_1_required) == "HTTP_1_1_REQUIRED");
    CHECK(to_string(static_cast<error_code>(0x17)) == "error 0x17");
}
