// SPDX-License-Identifier: Apache-2.0
#include "http2/preface_check.hpp"

#include "wire.hpp"

using namespace etcdsync::http2;
using namespace std::string_literals;

namespace {

/// The first error of a session that is fed `bytes` in chunks of `size`.
std::string first_error(std::string_view bytes, std::size_t size) {
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

TEST_CASE("an HTTP/1 server is recognized, and the error quotes its status line") {
    for (const std::size_t size : {1U, 2U, 5U, 9U, 1000U}) {
        CAPTURE(size);
        CHECK(first_error("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nno", size) ==
              "the peer speaks HTTP/1, not HTTP/2: \"HTTP/1.1 400 Bad Request\"");
    }
    CHECK(first_error("HTTP/1.0 \x1b[31mred\n", 100) ==
          "the peer speaks HTTP/1, not HTTP/2: \"HTTP/1.0 \\x1b[31mred\"");
    CHECK(first_error("HTTP/1.1 " + std::string(1000, 'x'), 7).size() < 200);
}

TEST_CASE("a TLS server is recognized by its alert") {
    for (const std::size_t size : {1U, 2U, 7U}) {
        CHECK(first_error("\x15\x03\x01\x00\x02\x02\x46"s, size) ==
              "the peer speaks TLS, not plain HTTP/2: use https:// in its endpoint");
    }
}

TEST_CASE("bytes that only start like another protocol are passed to the HTTP/2 parser") {
    for (const std::size_t size : {1U, 3U, 100U}) {
        CHECK(first_error("HTTP/2.0 200 OK\r\n", size).starts_with("the peer violated HTTP/2: "));
        CHECK(first_error("\x15\x04 some more bytes"s, size).starts_with("the peer violated HTTP/2: "));
        CHECK(first_error("SSH-2.0-OpenSSH_9.2\r\n", size).starts_with("the peer violated HTTP/2: "));
    }
    preface_check g;
    CHECK(g.inspect("") == preface_check::verdict::undecided);
    CHECK(g.inspect("HT") == preface_check::verdict::undecided);
    CHECK(g.inspect("ML") == preface_check::verdict::http2);
    preface_check h;
    CHECK(h.inspect("\0"s) == preface_check::verdict::http2);
}
