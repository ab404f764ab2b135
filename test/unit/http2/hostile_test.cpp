// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <utility>

using namespace etcdsync::http2;
using namespace std::string_literals;
using etcdsync::test::big_endian;
using etcdsync::test::raw_frame_header;

namespace {

/// The error of a session with one open call (stream 1) that is fed `bytes` after valid SETTINGS,
/// first at once, then byte by byte.
std::string error_of(std::string_view bytes) {
    std::string texts[2];
    for (const bool bytewise : {false, true}) {
        lone_client c;
        c.call();
        c.pull();
        c.send_settings();
        auto& text = texts[bytewise ? 1 : 0];
        for (std::size_t i = 0; i < bytes.size() && text.empty(); i += bytewise ? 1 : bytes.size()) {
            text = c.feed(bytewise ? bytes.substr(i, 1) : bytes);
        }
        if (text.empty()) continue;
        CHECK(c.feed("more") == text);
        std::string out;
        CHECK_FALSE(c.client.pull(out).has_value());
        CHECK(c.client.finished());
        CHECK(c.client.draining());
        c.client.send(1, "ignored", true);
        c.client.reset(1, error_code::cancel);
        c.client.ping(1);
    }
    CHECK(texts[0] == texts[1]);
    return texts[0];
}

std::string settings(std::uint16_t id, std::uint32_t value) {
    return raw_frame(type::settings, flag::none, 0, big_endian(id).substr(2) + big_endian(value));
}

std::string answer(std::string_view block, std::uint8_t flags = flag::end_headers, stream_id id = 1) {
    return raw_frame(type::headers, flags, id, block);
}

}  // namespace

TEST_CASE("malformed frames end the connection with an error that names the reason") {
    const std::string block = raw_block(ok_headers);
    const std::vector<std::pair<std::string, const char*>> table = {
        {raw_frame_header(1U << 20, type::data, 0, 1) + std::string(100, 'x'), "FRAME_SIZE_ERROR"},
        {answer("\xff\xff\xff\xff\xff\xff"s), "COMPRESSION_ERROR"},
        {answer("\xc0"s), "COMPRESSION_ERROR"},  // an index into an empty table
        {raw_frame(type::window_update, 0, 0, big_endian(0x7fff'ffff)), "FLOW_CONTROL_ERROR"},
        {raw_frame(type::window_update, 0, 0, big_endian(0)), "PROTOCOL_ERROR"},
        {raw_frame(type::window_update, 0, 1, big_endian(0)), "PROTOCOL_ERROR"},
        {raw_frame(type::window_update, 0, 0, "abc"), "FRAME_SIZE_ERROR"},
        {settings(4, 0x8000'0000), "FLOW_CONTROL_ERROR"},  // INITIAL_WINDOW_SIZE
        {settings(5, 0), "PROTOCOL_ERROR"},                // MAX_FRAME_SIZE
        {settings(2, 1), "PROTOCOL_ERROR"},                // a server enabling push
        {raw_frame(type::settings, 0, 0, "12345"), "FRAME_SIZE_ERROR"},
        {raw_frame(type::settings, 0, 1), "PROTOCOL_ERROR"},
        {raw_frame(type::settings, flag::ack, 0, std::string(6, '\0')), "FRAME_SIZE_ERROR"},
        {answer(block, flag::end_headers, 7), "PROTOCOL_ERROR"},  // we never opened it
        {answer(block, flag::end_headers, 2), "PROTOCOL_ERROR"},  // it was never promised
        {answer(block, flag::end_headers, 0), "PROTOCOL_ERROR"},
        {raw_frame(type::data, 0, 0, "x"), "PROTOCOL_ERROR"},
        {raw_frame(type::data, 0, 9, "x"), "PROTOCOL_ERROR"},
        {raw_frame(type::data, 0, 1, "x"), "DATA: stream not opened"},        // a body before headers
        {raw_frame(type::data, flag::padded, 1, "\x05x"), "PROTOCOL_ERROR"},  // more padding than frame
        {raw_frame(type::ping, 0, 0, "short"), "FRAME_SIZE_ERROR"},
        {raw_frame(type::ping, 0, 1, "12345678"), "PROTOCOL_ERROR"},
        {raw_frame(type::rst_stream, 0, 1, "abc"), "FRAME_SIZE_ERROR"},
        {raw_frame(type::rst_stream, 0, 0, big_endian(8)), "PROTOCOL_ERROR"},
        {raw_frame(type::rst_stream, 0, 9, big_endian(8)), "PROTOCOL_ERROR"},
        {raw_frame(type::goaway, 0, 0, "short"), "FRAME_SIZE_ERROR"},
        {raw_frame(type::goaway, 0, 1, std::string(8, '\0')), "PROTOCOL_ERROR"},
        {raw_frame(type::continuation, flag::end_headers, 1, block), "PROTOCOL_ERROR"},
        {answer(block, flag::none) + raw_frame(type::data, 0, 1, "x"), "PROTOCOL_ERROR"},
        {answer(block, flag::none) + raw_frame(type::continuation, 0, 3, "x"), "PROTOCOL_ERROR"},
    };
    for (const auto& [bytes, expected] : table) {
        const std::string text = error_of(bytes);
        CAPTURE(text);
        const std::string wanted(expected);  // clang 14 cannot capture a structured binding
        CAPTURE(wanted);
        CHECK(text.starts_with("the peer violated HTTP/2: "));
        CHECK(text.find(expected) != std::string::npos);
    }
}

TEST_CASE("a first frame that is not SETTINGS ends the connection") {
    lone_client c;
    c.pull();
    const std::string text = c.feed(raw_frame(type::ping, flag::none, 0, "12345678"));
    CHECK(text.find("SETTINGS") != std::string::npos);
}

TEST_CASE("too many settings in one frame end the connection") {
    std::string entries;
    for (int i = 0; i < 1000; ++i) entries += "\x00\x03"s + big_endian(100);
    CHECK_FALSE(error_of(raw_frame(type::settings, flag::none, 0, entries)).empty());
}

TEST_CASE("pushed streams end the connection, before and after our SETTINGS are acknowledged") {
    const std::string push = raw_frame(type::push_promise, flag::end_headers, 1,
                                       big_endian(2) + raw_block({{":method", "GET"}, {":path", "/"}}));
    const std::string acknowledgement = raw_frame(type::settings, flag::ack, 0);
    for (const auto& bytes : {push, acknowledgement + push}) {
        CHECK(error_of(bytes) == "the peer violated HTTP/2: it sent PUSH_PROMISE");
    }
}

TEST_CASE("a malformed response ends its stream, not the connection") {
    const std::vector<std::string> table = {
        answer(raw_block({{"content-type", "application/grpc"}})),  // no :status
        answer(raw_block({{":status", "abc"}})),
        answer(raw_block({{":status", "200"}, {":status", "200"}})),
        answer(raw_block({{":status", "200"}, {":path", "/"}})),
        answer(raw_block({{":status", "200"}, {"Upper", "x"}})),
        answer(raw_block({{":status", "200"}, {"connection", "close"}})),
        answer(raw_block(ok_headers)) + answer(raw_block(ok_trailers)),              // trailers without END_STREAM
        answer(raw_block(ok_headers)) + answer(raw_block({{":status", "200"}}), 5),  // pseudo-header in trailers
        answer(raw_block({{":status", "200"}, {"content-length", "3"}})) +
            raw_frame(type::data, flag::end_stream, 1, "xx"),
        raw_frame(type::window_update, 0, 1, big_endian(0x7fff'ffff)),
    };
    for (std::size_t i = 0; i < table.size(); ++i) {
        CAPTURE(i);
        lone_client c;
        c.call();
        c.call();
        c.pull();
        c.send_settings();
        CHECK(c.feed(table[i]) == "");
        const auto resets = payloads(c.pull(), type::rst_stream);
        CHECK(resets.size() == 1);
        REQUIRE_FALSE(c.sink.log.empty());
        CHECK(c.sink.log.back().starts_with("close 1 "));
        CHECK(c.sink.log.back() != "close 1 NO_ERROR");
        CHECK(c.feed(answer(raw_block(ok_headers), 5, 3)) == "");
        CHECK(c.sink.log.back().starts_with("headers 3 "));
    }
}

TEST_CASE("settings may take any legal value, at any time") {
    for (const auto& bytes :
         {settings(1, 0xffff'ffff), settings(1, 0), settings(3, 0), settings(3, 0xffff'ffff), settings(4, 0),
          settings(4, 0x7fff'ffff), settings(5, 0xff'ffff), settings(6, 0), settings(0x99, 1)}) {
        wire w;
        const auto id = w.call();
        w.client.send(id, "x", false);
        w.pump();
        w.server.inject(bytes);
        CHECK(w.feed(w.server.pull()) == "");
        CHECK(payloads(w.pull(), type::settings).size() == 1);  // acknowledged
        w.client.send(id, std::string(100'000, 'y'), true);
        CHECK(w.feed(settings(3, 100)) == "");
        w.pull();
    }
}
