// SPDX-License-Identifier: Apache-2.0
#include "hostile_cases.hpp"

#include <nghttp2/nghttp2.h>

#include <iterator>

namespace etcdsync::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const std::string first_settings = raw_frame(NGHTTP2_SETTINGS, 0, 0);

/// Sends these bytes, then nothing.
hostile_case sends(std::string name, std::string bytes) {
    hostile_case out{std::move(name), {}};
    out.how.instead_of_http2 = [bytes = std::move(bytes)](raw_connection& at) {
        at.write(bytes);
        at.ignore();
    };
    return out;
}

/// Sends these bytes, then closes the connection.
hostile_case sends_and_closes(std::string name, std::string bytes) {
    hostile_case out{std::move(name), {}};
    out.how.instead_of_http2 = [bytes = std::move(bytes)](raw_connection& at) {
        std::string request;
        at.read(request, 50ms);
        at.write(bytes);
    };
    return out;
}

/// Sends valid SETTINGS, then this frame repeatedly, without end.
hostile_case floods(std::string name, std::string frame) {
    hostile_case out{"flood: " + name, {}, 1'000ms};
    out.how.instead_of_http2 = [frame = first_settings + raw_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0),
                                then = std::move(frame)](raw_connection& at) {
        at.write(frame);
        at.flood(then);
    };
    return out;
}

std::string setting(std::uint16_t id, std::uint32_t value) {
    return raw_frame(NGHTTP2_SETTINGS, 0, 0, big_endian(id).substr(2) + big_endian(value));
}

std::string html_page() {
    return "<html><head><title>502 Bad Gateway</title></head><body>\x1b[31mnginx</body></html>\r\n";
}

std::string many_settings() {
    std::string entries;
    for (int i = 0; i < 1'000; ++i) entries += "\x00\x03"s + big_endian(100);
    return entries;
}

std::string goaway(std::uint32_t last, std::uint32_t code, std::string_view debug = {}) {
    return raw_frame(NGHTTP2_GOAWAY, 0, 0, big_endian(last) + big_endian(code) + std::string(debug));
}

hostile_case slow(std::string name, std::string bytes, std::chrono::milliseconds each) {
    hostile_case out{std::move(name), {}, 1'500ms};
    out.how.instead_of_http2 = [bytes = std::move(bytes), each](raw_connection& at) {
        for (std::size_t i = 0; at.wait(each) && at.write(bytes.substr(i % bytes.size(), 1)); ++i) {}
    };
    return out;
}

}  // namespace

void append(hostile_cases& all, hostile_cases more) {
    all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

hostile_cases connection_cases() {
    hostile_cases all;
    all.push_back(sends("accepts and sends nothing", ""));
    all.back().lasts = 1'500ms;  // longer than a request may take
    all.push_back(sends_and_closes("accepts and closes", ""));
    all.push_back({"accepts and resets", {}});
    all.back().how.instead_of_http2 = [](raw_connection& at) { at.reset(); };
    all.push_back(sends("half of the SETTINGS", first_settings.substr(0, 5)));
    all.push_back(slow("SETTINGS, a byte each 50 ms", setting(3, 100), 50ms));
    all.push_back(slow("PINGs, a byte each 5 ms", raw_frame(NGHTTP2_PING, 0, 0, "12345678"), 5ms));
    all.push_back(sends_and_closes("HTTP/1 502 with HTML",
                                   "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n" + html_page()));
    all.push_back(sends_and_closes("HTTP/1 400", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    all.push_back(sends("HTTP/1 with escapes", "HTTP/1.1 200 \x1b]0;owned\x07\x1b[2J\r\n\r\n"));
    all.push_back(sends("HTTP/1, a line without an end", "HTTP/1.1 200 " + std::string(1U << 20, 'x')));
    all.push_back(sends("a TLS alert", "\x15\x03\x01\x00\x02\x02\x46"s));
    all.push_back(sends("a TLS handshake", "\x16\x03\x03\x00\x7a\x02\x00\x00\x76"s + std::string(120, '\x42')));
    all.push_back(sends("SSH", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
    all.push_back(sends("zeros", std::string(65'536, '\0')));
    all.push_back(sends("ones", std::string(65'536, '\xff')));
    all.push_back(sends("the client's own preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + first_settings));
    all.push_back(sends("PING first", raw_frame(NGHTTP2_PING, 0, 0, "12345678")));
    all.push_back(sends("a thousand settings", raw_frame(NGHTTP2_SETTINGS, 0, 0, many_settings())));
    all.push_back(sends("a window of 2^31", setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x8000'0000)));
    all.push_back(sends("a frame limit of 0 bytes", setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 0)));
    all.push_back(sends("push enabled by the server", setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 1)));
    all.push_back(sends("truncated SETTINGS", raw_frame(NGHTTP2_SETTINGS, 0, 0, "12345")));
    all.push_back(sends("a frame of 16 MiB", first_settings + raw_frame_header((1U << 24) - 1, NGHTTP2_DATA, 0, 1) +
                                                 std::string(1'000, 'x')));
    all.push_back(
        sends("window overflow", first_settings + raw_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, big_endian(0x7fff'ffff))));
    all.push_back(sends("window update of 0", first_settings + raw_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, big_endian(0))));
    all.push_back(sends("HEADERS on stream 0",
                        first_settings + raw_frame(NGHTTP2_HEADERS, 4, 0, raw_block({{":status", "200"}}))));
    all.push_back(sends("HEADERS on stream 2",
                        first_settings + raw_frame(NGHTTP2_HEADERS, 4, 2, raw_block({{":status", "200"}}))));
    all.push_back(sends("HEADERS on stream 99",
                        first_settings + raw_frame(NGHTTP2_HEADERS, 4, 99, raw_block({{":status", "200"}}))));
    all.push_back(sends("CONTINUATION without HEADERS", first_settings + raw_frame(NGHTTP2_CONTINUATION, 4, 1, "x")));
    all.push_back(sends("PUSH_PROMISE", first_settings + raw_frame(NGHTTP2_PUSH_PROMISE, 4, 1,
                                                                   big_endian(2) + raw_block({{":method", "GET"}}))));
    all.push_back(sends("immediate GOAWAY", first_settings + goaway(0, 0)));
    all.push_back(sends("GOAWAY with escapes", first_settings + goaway(0, 11, "too_many_pings\x1b[31m\r\nfake: line")));
    all.push_back(sends("GOAWAY with 16 KB of text", first_settings + goaway(0, 2, std::string(16'000, 'w'))));
    all.push_back(
        sends("GOAWAY, raised and lowered", first_settings + goaway(0x7fff'ffff, 0) + goaway(1, 0) + goaway(99, 0)));
    all.push_back({"a window of 0", {}, 1'500ms});
    all.back().how.after_settings = [] { return setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0); };
    all.push_back({"a limit of 0 streams", {}, 1'500ms});
    all.back().how.after_settings = [] { return setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0); };
    all.push_back({"a table of 4 GiB", {}});
    all.back().how.after_settings = [] { return setting(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0xffff'ffff); };
    return all;
}

hostile_cases flood_cases() {
    hostile_cases all;
    all.push_back(floods("SETTINGS", first_settings));
    all.push_back(floods("SETTINGS that toggle the window", setting(4, 7) + setting(4, 0x7fff'ffff)));
    all.push_back(floods("SETTINGS acknowledgements", raw_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0)));
    all.push_back(floods("PING", raw_frame(NGHTTP2_PING, 0, 0, "12345678")));
    all.push_back(floods("PING acknowledgements", raw_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678")));
    all.push_back(floods("WINDOW_UPDATE", raw_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, big_endian(1))));
    all.push_back(floods("PRIORITY", raw_frame(NGHTTP2_PRIORITY, 0, 1, big_endian(3) + "x")));
    all.push_back(floods("GOAWAY", goaway(0x7fff'ffff, 0)));
    all.push_back(floods("ALTSVC", raw_frame(NGHTTP2_ALTSVC, 0, 0, "\0\4host=\":1\""s)));
    all.push_back(floods("unknown frames", raw_frame(0xbe, 0, 0, "whatever")));
    all.push_back(floods("unknown frames of 16 KB", raw_frame(0xbe, 0, 0, std::string(16'384, 'x'))));
    all.push_back(floods("zero bytes", std::string(9, '\0')));
    return all;
}

}  // namespace etcdsync::test
