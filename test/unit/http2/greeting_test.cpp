// SPDX-License-Identifier: Apache-2.0
#include "http2/greeting.hpp"

#include "wire.hpp"

using namespace etcdsync::http2;
using namespace std::string_literals;

namespace {

/// The first complaint of a session fed with `bytes` in chunks of `size`.
std::string complaint(std::string_view bytes, std::size_t size) {
    lone_client c;
    c.pull();
    while (!bytes.empty()) {
        const std::string text = c.feed(bytes.substr(0, size));
        if (!text.empty()) return text;
        bytes.remove_prefix(std::min(size, bytes.size()));
    }
    return "";
}

}  // namespace

TEST_CASE("an HTTP/1 server is named, with its status line") {
    for (const std::size_t size : {1U, 2U, 5U, 9U, 1000U}) {
        CAPTURE(size);
        CHECK(complaint("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nno", size) ==
              "the peer speaks HTTP/1, not HTTP/2: \"HTTP/1.1 400 Bad Request\"");
    }
    CHECK(complaint("HTTP/1.0 \x1b[31mred\n", 100) == "the peer speaks HTTP/1, not HTTP/2: \"HTTP/1.0 \\x1b[31mred\"");
    CHECK(complaint("HTTP/1.1 " + std::string(1000, 'x'), 7).size() < 200);
}

TEST_CASE("a TLS server answering plain HTTP/2 is named at its alert") {
    for (const std::size_t size : {1U, 2U, 7U}) {
        CHECK(complaint("\x15\x03\x01\x00\x02\x02\x46"s, size) ==
              "the peer speaks TLS where plain HTTP/2 was expected: its endpoint needs https://");
    }
}

TEST_CASE("bytes that only begin like another protocol are left to the HTTP/2 parser") {
    for (const std::size_t size : {1U, 3U, 100U}) {
        CHECK(complaint("HTTP/2.0 200 OK\r\n", size).starts_with("the peer broke HTTP/2: "));
        CHECK(complaint("\x15\x04 some more bytes"s, size).starts_with("the peer broke HTTP/2: "));
        CHECK(complaint("SSH-2.0-OpenSSH_9.2\r\n", size).starts_with("the peer broke HTTP/2: "));
    }
    greeting g;
    CHECK(g.look("") == greeting::verdict::undecided);
    CHECK(g.look("HT") == greeting::verdict::undecided);
    CHECK(g.look("ML") == greeting::verdict::http2);
    greeting h;
    CHECK(h.look("\0"s) == greeting::verdict::http2);
}
