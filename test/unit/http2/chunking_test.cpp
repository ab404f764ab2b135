// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <algorithm>
#include <random>

using namespace etcdsync::http2;

namespace {

/// The bytes that a server sends on a connection with all kinds of frames.
std::string recorded() {
    wire w;
    const auto a = w.call();
    const auto b = w.call();
    const auto c = w.call();
    w.client.ping(42);
    std::string sent;
    const auto turn = [&] {
        w.server.feed(w.pull());
        const std::string bytes = w.server.pull();
        REQUIRE(w.feed(bytes) == "");
        sent += bytes;
    };
    turn();
    w.server.inform(a, {{":status", "103"}, {"link", "x"}});
    w.server.respond(a, ok_headers);
    w.server.data(a, std::string(3'000, 'a'));
    w.server.ping(7);
    turn();
    w.server.respond(b, {{":status", "200"}, {"grpc-status", "5"}}, true);
    w.server.inject(raw_frame(0x77, 0xff, b, "unknown type"));
    w.server.inject(raw_frame(type::priority, flag::none, a, std::string(5, '\1')));
    w.server.data(a, std::string(5'000, 'b'));
    w.server.trailers(a, {{"grpc-status", "0"}, {"grpc-message", std::string(200, 'm')}});
    turn();
    w.server.reset(c, error_code::refused_stream);
    w.server.goaway(c, error_code::enhance_your_calm, "too_many_pings");
    turn();
    return sent;
}

/// The events of each stream, for `bytes` fed in chunks. The order of events of different streams
/// depends on when output is pulled, so it is dropped.
std::map<std::string, std::vector<std::string>> replay(std::string_view bytes,
                                                       const std::function<std::size_t()>& next_size) {
    lone_client c;
    for (int i = 0; i < 3; ++i) c.call();
    c.client.ping(42);
    c.pull();
    while (!bytes.empty()) {
        const std::size_t n = std::min(bytes.size(), next_size());
        REQUIRE(c.feed(bytes.substr(0, n)) == "");
        c.pull();
        bytes.remove_prefix(n);
    }
    CHECK(c.client.finished());
    std::map<std::string, std::vector<std::string>> by_stream;
    for (const auto& line : c.sink.log) {
        const bool of_stream = line.starts_with("headers ") || line.starts_with("data ") || line.starts_with("close ");
        auto& lines = by_stream[of_stream ? line.substr(line.find(' ') + 1, 1) : "connection"];
        if (lines.empty() || lines.back() != line) lines.push_back(line);  // one line for consecutive body pieces
    }
    for (const auto& [id, body] : c.sink.bodies) by_stream["body"].push_back(std::to_string(id) + body);
    return by_stream;
}

}  // namespace

TEST_CASE("the events do not depend on how the bytes are split into chunks") {
    const std::string bytes = recorded();
    const auto whole = replay(bytes, [] { return std::string::npos; });
    CHECK(whole.at("1").size() == 4);
    CHECK(whole.at("3") == std::vector<std::string>{"headers 3 :status=200 grpc-status=5 end", "close 3 NO_ERROR"});
    CHECK(whole.at("5") == std::vector<std::string>{"close 5 REFUSED_STREAM unprocessed"});
    CHECK(whole.at("connection") == std::vector<std::string>{"pong 42", "goaway ENHANCE_YOUR_CALM too_many_pings"});
    for (std::size_t size = 1; size < 40; ++size) CHECK(replay(bytes, [size] { return size; }) == whole);
    std::mt19937 random(1);
    for (int round = 0; round < 100; ++round) {
        std::uniform_int_distribution<std::size_t> sizes(0, round % 2 == 0 ? 20 : 3'000);
        CHECK(replay(bytes, [&] { return sizes(random); }) == whole);
    }
}

TEST_CASE("a header block in CONTINUATION frames may arrive byte by byte") {
    // nghttp2 counts every chunk of a frame header against its limit of CONTINUATION frames; see
    // frame_splitter.hpp.
    const auto block = raw_block({{":status", "200"}, {"name", "split into some CONTINUATION frames"}});
    std::string bytes = raw_frame(type::headers, flag::end_stream, 1, block.substr(0, 5));
    for (std::size_t i = 5; i < block.size(); i += 10) {
        const bool last = i + 10 >= block.size();
        bytes += raw_frame(type::continuation, last ? flag::end_headers : flag::none, 1, block.substr(i, 10));
    }
    lone_client c;
    c.call();
    c.pull();
    c.send_settings();
    for (const char byte : bytes) REQUIRE(c.feed({&byte, 1}) == "");
    CHECK(c.sink.log == std::vector<std::string>{"headers 1 :status=200 name=split into some CONTINUATION frames end"});
}

TEST_CASE("the output does not depend on how often pull() is called") {
    lone_client a;
    lone_client b;
    std::string first;
    std::string second;
    for (const std::string piece : {"x", "yy", "zzz"}) {
        const auto id = a.call();
        CHECK(b.call() == id);
        a.client.send(id, piece, true);
        b.client.send(id, piece, true);
        first += a.pull();
        CHECK(a.pull().empty());
    }
    second = b.pull();
    CHECK(first.size() == second.size());
    CHECK(payloads(first, type::data) == payloads(second, type::data));
}

TEST_CASE("pull() appends to what is there") {
    lone_client c;
    std::string out = "before";
    REQUIRE(c.client.pull(out).has_value());
    CHECK(out.starts_with("beforePRI * HTTP/2.0"));
}
