// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <array>

using namespace etcdsync::http2;
using etcdsync::test::http2_server_options;

namespace {

constexpr std::string_view token = "AbCdEfGhIjKlMnOp.17";

etcdsync::base::result<stream_id> call_with(session& client, header_view extra) {
    const std::array<header_view, 5> headers = {
        {{":method", "POST"}, {":scheme", "http"}, {":path", "/s/m"}, {":authority", "test:1"}, extra}};
    return client.submit_request(headers);
}

}  // namespace

TEST_CASE("a sensitive header is never added to a compression table") {
    for (const bool sensitive : {true, false}) {
        CAPTURE(sensitive);
        lone_client c;
        c.pull();
        REQUIRE(call_with(c.client, {"token", token, sensitive}).has_value());
        const std::string first = c.pull();
        REQUIRE(call_with(c.client, {"token", token, sensitive}).has_value());
        const std::string second = c.pull();
        // If indexed, the second block has one byte per header; the token as a literal has about 16
        // bytes (Huffman).
        const auto block = payloads(second, type::headers);
        REQUIRE(block.size() == 1);
        CHECK((block[0].size() > token.size()) == sensitive);
        // RFC 7541 section 6.2.3: 0001xxxx means never indexed, not even by intermediaries; here
        // the name is a literal, too.
        CHECK((payloads(first, type::headers)[0].find("\x10") != std::string::npos) == sensitive);
    }
}

TEST_CASE("a sensitive header arrives unchanged") {
    wire w;
    const auto id = call_with(w.client, {"token", token, true});
    REQUIRE(id.has_value());
    w.pump();
    CHECK(w.server.request(*id).value("token") == token);
}

TEST_CASE("invalid header values are rejected, and the error does not contain them") {
    lone_client c;
    using namespace std::string_view_literals;
    for (const auto bad : {"a\r\nx: y"sv, "a\nb"sv, "a\0b"sv, " a"sv, "a\x7f"sv}) {
        const auto id = call_with(c.client, {"token", bad, true});
        REQUIRE_FALSE(id.has_value());
        CHECK(id.error().text == "header \"token\" contains characters that HTTP does not allow");
    }
    CHECK_FALSE(call_with(c.client, {"to\nken", "a"}).has_value());
    CHECK_FALSE(call_with(c.client, {"Token", "a"}).has_value());
    CHECK_FALSE(call_with(c.client, {"", "a"}).has_value());
    CHECK(c.client.open_streams() == 0);
}

TEST_CASE("headers that are too long are rejected") {
    lone_client c;
    const std::string long_token(1'000'000, 'x');
    const auto id = call_with(c.client, {"token", long_token, true});
    REQUIRE_FALSE(id.has_value());
    CHECK(id.error().text.ends_with("bytes of request headers exceed the limit of 32768"));
    CHECK(call_with(c.client, {"token", std::string_view(long_token).substr(0, 20'000), true}).has_value());
}

TEST_CASE("requests above the server's concurrency limit wait") {
    http2_server_options peer;
    peer.max_concurrent_streams = 1;
    wire w({}, peer);
    w.pump();
    const auto first = w.call();
    const auto second = w.call();
    for (const auto id : {first, second}) w.client.send(id, "x", true);
    w.pump();
    CHECK(w.server.requests().size() == 1);
    CHECK(w.client.open_streams() == 2);
    w.server.respond(first, ok_headers, true);
    w.pump();
    CHECK(w.server.request(second).ended);
}

TEST_CASE("a request that waits for the concurrency limit can be reset and is never sent") {
    http2_server_options peer;
    peer.max_concurrent_streams = 1;
    wire w({}, peer);
    w.pump();
    const auto first = w.call();
    const auto second = w.call();
    w.client.send(second, "x", true);
    w.pump();
    w.client.reset(second, error_code::cancel);
    CHECK(w.sink.log.empty());
    w.pump();
    CHECK(w.sink.log == std::vector<std::string>{"close 3 CANCEL unprocessed"});
    w.server.respond(first, ok_headers, true);
    w.pump();
    CHECK(w.server.requests().size() == 1);
    CHECK(w.sink.log.size() == 3);
    const auto third = w.call();
    w.pump();
    CHECK(w.server.requests().contains(third));
}

TEST_CASE("a reset stream only reports its end") {
    wire w;
    const auto id = w.call();
    w.pump();
    w.server.respond(id, ok_headers);
    w.server.data(id, "late");
    const std::string answer = w.server.pull();
    w.client.reset(id, error_code::cancel);
    w.client.reset(id, error_code::internal_error);  // the first one counts
    w.client.send(id, "more", true);
    CHECK(w.feed(answer) == "");
    CHECK(w.sink.log.empty());
    w.pump();
    CHECK(w.sink.log == std::vector<std::string>{"close 1 CANCEL"});
    CHECK(w.server.request(id).reset == error_code::cancel);
    w.client.reset(id, error_code::cancel);
    w.client.reset(99, error_code::cancel);
    CHECK(w.pull().empty());
}

TEST_CASE("a stream may be reset from any of its events") {
    for (const int where : {0, 1, 2}) {
        CAPTURE(where);
        wire w;
        const auto id = w.call();
        w.pump();
        const auto reset = [&](stream_id s) { w.client.reset(s, error_code::cancel); };
        w.sink.headers_hook = [&](stream_id s, bool end) {
            if (where == (end ? 2 : 0)) reset(s);
        };
        w.sink.data_hook = [&](stream_id s) {
            if (where == 1) reset(s);
        };
        w.server.respond(id, ok_headers);
        w.server.data(id, "body");
        w.server.trailers(id, ok_trailers);
        w.pump();
        CHECK(w.sink.log.size() == static_cast<std::size_t>(where) + 2);
        CHECK(w.sink.log.back() == "close 1 CANCEL");
        CHECK(w.client.open_streams() == 0);
    }
}

TEST_CASE("requests may be opened from the events of other streams") {
    wire w;
    int left = 5;
    const auto again = [&](stream_id) {
        if (left-- == 0) return;
        w.client.send(w.call(), "again", true);
    };
    w.sink.close_hook = again;
    w.server.on_end = [&](stream_id s) { w.server.respond(s, ok_headers, true); };
    w.client.send(w.call(), "first", true);
    w.pump();
    CHECK(w.server.requests().size() == 6);
    CHECK(w.client.open_streams() == 0);
}

TEST_CASE("an exception from an event passes through feed() and ends the session") {
    wire w;
    const auto id = w.call();
    w.pump();
    w.sink.headers_hook = [](stream_id, bool) { throw std::runtime_error("own bug"); };
    w.server.respond(id, ok_headers);
    const std::string answer = w.server.pull();
    CHECK_THROWS_WITH((void)w.client.feed(answer), "own bug");
    CHECK(w.feed(answer) == "an event handler failed");
    CHECK(w.client.finished());
    CHECK(w.client.draining());
}

TEST_CASE("an exception from the last event of a stream passes through pull()") {
    wire w;
    const auto id = w.call();
    w.pump();
    w.sink.close_hook = [](stream_id) { throw std::runtime_error("own bug"); };
    w.client.reset(id, error_code::cancel);
    std::string out;
    CHECK_THROWS_WITH((void)w.client.pull(out), "own bug");
    CHECK_FALSE(w.client.pull(out).has_value());
}
