// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

using namespace etcdsync::http2;
using namespace std::string_literals;
using etcdsync::test::big_endian;

namespace {

std::string answer(std::string_view block, std::uint8_t flags = flag::end_headers, stream_id id = 1) {
    return raw_frame(type::headers, flags, id, block);
}

/// How many copies of `frame` a session with one open call accepts, at most `limit`. If `paced`, it
/// is pulled after each, so that its queue stays empty. `text` is the error at the end.
int accepted_frames(const std::string& frame, int limit, std::string& text, bool paced = true) {
    session_options options;
    options.max_idle_frames = 5'000;
    lone_client c(options);
    c.client.reset(c.call(), error_code::cancel);  // stream 1 is never sent
    c.call();                                      // 3 is open
    const auto closed = c.call();                  // 5 is closed
    c.pull();
    c.client.reset(closed, error_code::cancel);
    c.pull();
    c.send_settings();
    REQUIRE(c.feed(answer(raw_block(ok_headers), flag::end_headers, 3)) == "");
    for (int i = 0; i < limit; ++i) {
        text = c.feed(frame);
        if (!text.empty()) return i;
        if (paced) c.pull();
    }
    return limit;
}

constexpr std::string_view flooding = "the peer is flooding: too many frames that make no progress on any stream";

}  // namespace

TEST_CASE("frames without progress are accepted up to the budget") {
    const std::vector<std::pair<const char*, std::string>> table = {
        {"empty DATA", raw_frame(type::data, flag::none, 3)},
        {"padded empty DATA", raw_frame(type::data, flag::padded, 3, "\x03\0\0\0"s)},
        {"DATA of a closed stream", raw_frame(type::data, flag::none, 5, "xyz")},
        {"HEADERS of a closed stream", answer(raw_block(ok_headers), flag::end_headers, 5)},
        {"SETTINGS", raw_frame(type::settings, flag::none, 0)},
        {"SETTINGS that toggle the window", raw_frame(type::settings, flag::none, 0, "\0\4\0\0\0\7\0\4\0\0\0\0"s)},
        {"SETTINGS ack", raw_frame(type::settings, flag::ack, 0)},
        {"PING", raw_frame(type::ping, flag::none, 0, "12345678")},
        {"PING ack", raw_frame(type::ping, flag::ack, 0, "12345678")},
        {"PRIORITY", raw_frame(type::priority, flag::none, 3, big_endian(1) + "x")},
        {"RST_STREAM of a closed stream", raw_frame(type::rst_stream, flag::none, 5, big_endian(8))},
        {"GOAWAY", raw_frame(type::goaway, flag::none, 0, big_endian(0x7fff'ffff) + big_endian(0))},
        {"WINDOW_UPDATE", raw_frame(type::window_update, flag::none, 3, big_endian(1))},
        {"WINDOW_UPDATE of a closed stream", raw_frame(type::window_update, flag::none, 5, big_endian(1))},
        {"ALTSVC", raw_frame(type::altsvc, flag::none, 3, "\0\0a=b"s)},
        {"unknown", raw_frame(0xbe, flag::none, 3, "whatever")},
    };
    for (const auto& [name, frame] : table) {
        const std::string which(name);  // clang 14 cannot capture a structured binding
        CAPTURE(which);
        std::string text;
        const int count = accepted_frames(frame, 10'000, text);
        CAPTURE(text);
        const bool not_allowed = text.starts_with("the peer violated HTTP/2: ");
        CHECK((not_allowed || text == flooding));
        CHECK(count <= 5'000);
        CHECK((not_allowed || count > 4'900));
    }
}

TEST_CASE("the library's own limit ends floods of PING and SETTINGS that are not answered") {
    for (const auto& frame :
         {raw_frame(type::settings, flag::none, 0), raw_frame(type::ping, flag::none, 0, "12345678")}) {
        std::string text;
        CHECK(accepted_frames(frame, 4'000, text, false) < 1'100);
        CHECK(text.find("Flooding was detected") != std::string::npos);
    }
}

TEST_CASE("body bytes refill the budget in proportion to their number") {
    std::string many;
    for (int i = 0; i < 1'500; ++i) many += raw_frame(type::window_update, flag::none, 3, big_endian(1));
    std::string text;
    CHECK(accepted_frames(many + raw_frame(type::data, flag::none, 3, std::string(16'000, 'x')), 20, text) == 20);
    CHECK(accepted_frames(many, 20, text) == 3);
    CHECK(accepted_frames(many + raw_frame(type::data, flag::none, 3, "x"), 20, text) == 3);
}

TEST_CASE("a body in frames of one byte is a flood, in frames of eight bytes it is not") {
    std::string text;
    CHECK(accepted_frames(raw_frame(type::data, flag::none, 3, "x"), 20'000, text) < 6'000);
    CHECK(text == flooding);
    text.clear();
    CHECK(accepted_frames(raw_frame(type::data, flag::none, 3, "12345678"), 20'000, text) == 20'000);
}

TEST_CASE("how TCP splits a body does not matter for the budget") {
    session_options options;
    options.max_idle_frames = 100;
    lone_client c(options);
    c.call();
    c.pull();
    c.send_settings();
    REQUIRE(c.feed(answer(raw_block(ok_headers))) == "");
    const std::string frame = raw_frame(type::data, flag::none, 1, "12345678");
    std::string text;
    for (int i = 0; i < 1'000 && text.empty(); ++i) {
        for (std::size_t at = 0; at < frame.size() && text.empty(); ++at) text = c.feed(frame.substr(at, 1));
    }
    CHECK(text == "");
}

TEST_CASE("responses without a body refill the budget, too") {
    session_options options;
    options.max_idle_frames = 100;
    wire w(options);
    w.server.on_end = [&](stream_id s) { w.server.respond(s, ok_headers, true); };
    const std::string updates = raw_frame(type::window_update, flag::none, 0, big_endian(1));
    for (int i = 0; i < 50; ++i) {
        w.client.send(w.call(), "", true);
        for (int k = 0; k < 60; ++k) w.server.inject(updates);
        w.pump();
    }
    CHECK(w.client.open_streams() == 0);
}

TEST_CASE("our own PINGs can keep an idle connection alive forever") {
    session_options options;
    options.max_idle_frames = 100;
    wire w(options);
    for (int i = 0; i < 1'000; ++i) {
        w.client.ping(1);
        w.pump();
    }
    CHECK(w.sink.log.size() == 1'000);
}

TEST_CASE("an HPACK bomb resets the stream and uses no more memory than the limit") {
    session_options options;
    lone_client c(options);
    c.call();
    c.call();
    c.pull();
    c.send_settings();
    // A field of 3900 bytes enters the table (RFC 7541 section 6.2.1); each further byte repeats
    // it.
    std::string block = raw_block(ok_headers) + "\x40\x01x\x7f\xbd\x1d"s + std::string(3'900, 'v');
    REQUIRE(block.size() < 16'384);
    block += std::string(10'000, '\xbe');
    CHECK(c.feed(answer(block)) == "");
    CHECK(c.sink.log.empty());
    CHECK(payloads(c.pull(), type::rst_stream) == std::vector<std::string>{big_endian(2)});
    CHECK(c.sink.log == std::vector<std::string>{"close 1 INTERNAL_ERROR"});
    CHECK(c.feed(answer(raw_block(ok_headers) + "\xbe"s, flag::end_headers, 3)) == "");  // the tables are in sync
    CHECK(c.sink.log.back().size() > 3'900);
}

TEST_CASE("header blocks up to the limits pass; above them the stream is reset") {
    const auto passes = [](const header_list& headers, bool trailers) {
        lone_client c;
        c.call();
        c.pull();
        c.send_settings();
        if (trailers) CHECK(c.feed(answer(raw_block(ok_headers))) == "");
        const std::size_t before = c.sink.log.size();
        // Larger than a frame: the rest goes into CONTINUATION.
        const std::string block = raw_block(headers);
        CHECK(c.feed(answer(block.substr(0, 16'000), flag::end_stream) +
                     raw_frame(type::continuation, flag::end_headers, 1,
                               block.substr(std::min<std::size_t>(16'000, block.size())))) == "");
        c.pull();
        REQUIRE(c.sink.log.back().starts_with("close 1 "));
        return c.sink.log.size() - before == 2;
    };
    const auto fields = [](std::size_t count, bool trailers) {
        header_list headers;
        if (!trailers) headers.push_back({":status", "200"});
        while (headers.size() < count) headers.push_back({"n", "v"});
        return headers;
    };
    for (const bool trailers : {false, true}) {
        CAPTURE(trailers);
        CHECK(passes(fields(64, trailers), trailers));
        CHECK_FALSE(passes(fields(65, trailers), trailers));
        header_list headers = fields(1, trailers);
        const std::size_t used = headers[0].name.size() + headers[0].value.size();
        headers.push_back({"big", std::string(16'384 - 3 - used, 'x')});
        CHECK(passes(headers, trailers));
        headers[1].value += 'x';
        CHECK_FALSE(passes(headers, trailers));
    }
}

TEST_CASE("a CONTINUATION flood ends the connection") {
    lone_client c;
    c.call();
    c.pull();
    c.send_settings();
    std::string bytes = answer("", flag::none);
    for (int i = 0; i < 1'000; ++i) bytes += raw_frame(type::continuation, flag::none, 1, "");
    CHECK_FALSE(c.feed(bytes).empty());
}

TEST_CASE("too many informational responses reset the stream") {
    lone_client c;
    c.call();
    c.pull();
    c.send_settings();
    std::string bytes;
    for (int i = 0; i < 9'000; ++i) bytes += answer(raw_block({{":status", "103"}}));
    CHECK(c.feed(bytes) == "");
    CHECK(payloads(c.pull(), type::rst_stream) == std::vector<std::string>{big_endian(0xb)});
    CHECK(c.sink.log == std::vector<std::string>{"close 1 ENHANCE_YOUR_CALM"});
    CHECK(c.feed(bytes) == "");
    CHECK(c.feed(bytes) == flooding);
}
