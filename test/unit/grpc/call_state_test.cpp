// SPDX-License-Identifier: Apache-2.0
#include "grpc/call_state.hpp"

#include "sink.hpp"

using namespace etcdsync::grpc;
using namespace std::string_literals;
using etcdsync::http2::error_code;
using headers = std::vector<etcdsync::http2::header>;

namespace {

const headers response_headers = {{":status", "200"}, {"content-type", "application/grpc"}};

struct test_call : call_state {
    test_call() : call_state(100) {}
    collector got;

    test_call& head(const headers& h = response_headers, bool end = false) { return on_headers(h, end), *this; }
    test_call& trailers(const headers& h) { return on_headers(h, true), *this; }
    test_call& body(std::string_view bytes) { return on_data(bytes, got), *this; }
    test_call& close(error_code c = error_code::no_error, bool unprocessed = false) {
        return on_close(c, unprocessed), *this;
    }

    /// The status as "INTERNAL connection: text", or "open" while there is none.
    [[nodiscard]] std::string outcome() const {
        if (!final_status()) return "open";
        static constexpr const char* origins[] = {"server", "connection", "deadline", "local"};
        const auto& s = *final_status();
        return std::string(to_string(s.value)) + " " + origins[static_cast<int>(s.from)] + ": " + s.message +
               (s.unprocessed ? " (unprocessed)" : "");
    }
};

}  // namespace

TEST_CASE("headers, messages and trailers make an OK call") {
    test_call c;
    CHECK(c.head().outcome() == "open");
    CHECK(c.body(frame("one") + frame("two").substr(0, 6)).outcome() == "open");
    CHECK(c.body("wo").outcome() == "open");
    CHECK(c.trailers({{"grpc-status", "0"}, {"grpc-message", ""}}).outcome() == "OK server: ");
    CHECK(c.got.messages == std::vector<std::string>{"one", "two"});
}

TEST_CASE("Trailers-Only ends the call at once") {
    auto trailers = response_headers;
    trailers.push_back({"grpc-message", "etcdserver: permission denied"});
    trailers.push_back({"grpc-status", "7"});
    CHECK(test_call().head(trailers, true).outcome() == "PERMISSION_DENIED server: etcdserver: permission denied");
}

TEST_CASE("unknown headers are ignored, including those of etcd with TLS") {
    test_call c;
    c.head({{":status", "200"},
            {"access-control-allow-origin", "*"},
            {"content-type", "application/grpc+proto"},
            {"trailer", "Grpc-Status"},
            {"grpc-accept-encoding", "gzip"}});
    CHECK(c.trailers({{"x", "y"}, {"grpc-status", "0"}, {"grpc-status-details-bin", "AA"}}).outcome() == "OK server: ");
}

TEST_CASE("every status code of the server is accepted, with its text") {
    for (int number = 1; number <= 16; ++number) {
        test_call c;
        c.head().trailers({{"grpc-status", std::to_string(number)}, {"grpc-message", "why%20not"}});
        CHECK(c.outcome() == std::string(to_string(static_cast<code>(number))) + " server: why not");
    }
}

TEST_CASE("unknown status codes count as UNKNOWN, and the text contains them") {
    CHECK(test_call().head().trailers({{"grpc-status", "17"}, {"grpc-message", "m"}}).outcome() ==
          "UNKNOWN server: grpc-status 17: m");
    CHECK(test_call().head().trailers({{"grpc-status", "99"}}).outcome() == "UNKNOWN server: grpc-status 99: ");
    CHECK(test_call().head().trailers({{"grpc-status", "4294967296"}}).outcome() ==
          "UNKNOWN server: grpc-status 4294967296: ");
}

TEST_CASE("a malformed grpc-status is an internal error, never OK") {
    for (const char* bad : {"", "-1", "0x0", "00", "01", "+0", " 0", "0 ", "0,0", "OK", "1e0", "\x1b[2J"}) {
        CAPTURE(std::string(bad));
        test_call c;
        c.head().trailers({{"grpc-status", bad}});
        CHECK(c.outcome().starts_with("INTERNAL connection: malformed grpc-status \""));
        CHECK(c.outcome().find('\x1b') == std::string::npos);
    }
    CHECK(test_call().head().trailers({{"grpc-status", std::string(10'000, 'x')}}).outcome().size() < 100);
    CHECK(test_call().head().trailers({{"grpc-status", std::string(10'000, '9')}}).outcome().size() < 100);
}

TEST_CASE("a repeated or missing grpc-status is an error") {
    CHECK(test_call().head().trailers({{"grpc-status", "0"}, {"grpc-status", "0"}}).outcome() ==
          "INTERNAL connection: the server sent more than one grpc-status");
    CHECK(test_call().head().trailers({{"x", "y"}}).outcome() ==
          "UNKNOWN connection: the server ended the call without grpc-status");
    CHECK(test_call().head(response_headers, true).outcome() ==
          "UNKNOWN connection: the server ended the call without grpc-status");
}

TEST_CASE("a grpc-status in the response headers does not count") {
    auto first = response_headers;
    first.push_back({"grpc-status", "0"});
    CHECK(test_call().head(first).outcome() == "open");
    CHECK(test_call().head(first).trailers({}).outcome() ==
          "UNKNOWN connection: the server ended the call without grpc-status");
    CHECK(test_call().head(first).close().outcome() ==
          "INTERNAL connection: the server ended the stream without a gRPC status: is it shutting down?");
}

TEST_CASE("OK in the middle of a message is an error; any other status is kept") {
    CHECK(test_call().head().body("\0\0"s).trailers({{"grpc-status", "0"}}).outcome() ==
          "INTERNAL connection: the server ended the call with OK in the middle of a message");
    CHECK(test_call().head().body("\0\0\0\0\2x"s).trailers({{"grpc-status", "0"}}).outcome().starts_with("INTERNAL"));
    CHECK(test_call().head().body("\0\0\0\0\2x"s).trailers({{"grpc-status", "14"}}).outcome() ==
          "UNAVAILABLE server: ");
}

TEST_CASE("OK without a message is accepted") {
    CHECK(test_call().head().trailers({{"grpc-status", "0"}}).outcome() == "OK server: ");
}

TEST_CASE("grpc-message is made printable and truncated") {
    const auto outcome = [](const std::string& message) {
        return test_call().head().trailers({{"grpc-status", "2"}, {"grpc-message", message}}).outcome();
    };
    CHECK(outcome("%1B[31mred%0A") == "UNKNOWN server: \\x1b[31mred\\x0a");
    CHECK(outcome("caf%C3%A9 %ff") == "UNKNOWN server: caf\xc3\xa9 \\xff");
    CHECK(outcome("100%").ends_with("100%"));
    CHECK(outcome(std::string(1'000'000, 'x')) == "UNKNOWN server: " + std::string(512, 'x') + "...");
}

TEST_CASE("peers that do not speak gRPC are described") {
    const std::pair<headers, const char*> table[] = {
        {{{":status", "404"}, {"content-type", "text/html"}},
         "UNIMPLEMENTED connection: not a gRPC server: HTTP 404, content-type \"text/html\""},
        {{{":status", "200"}, {"content-type", "text/html; charset=utf-8"}},
         "UNKNOWN connection: not a gRPC server: HTTP 200, content-type \"text/html; charset=utf-8\""},
        {{{":status", "200"}, {"content-type", "application/grpc-web"}},
         "UNKNOWN connection: not a gRPC server: HTTP 200, content-type \"application/grpc-web\""},
        {{{":status", "200"}, {"content-type", "application/grp"}},
         "UNKNOWN connection: not a gRPC server: HTTP 200, content-type \"application/grp\""},
        {{{":status", "502"}}, "UNAVAILABLE connection: not a gRPC server: HTTP 502, no content-type"},
        {{{":status", "200"}}, "UNKNOWN connection: not a gRPC server: HTTP 200, no content-type"},
        {{{":status", "200"}, {"grpc-status", "0"}},
         "UNKNOWN connection: not a gRPC server: HTTP 200, no content-type"},
        {{{":status", "401"}, {"content-type", "text/\x1b[2Jplain"}},
         "UNAUTHENTICATED connection: not a gRPC server: HTTP 401, content-type \"text/\\x1b[2Jplain\""},
        {{{":status", "503"}, {"content-type", "application/grpc"}},
         "UNAVAILABLE connection: HTTP 503 without a gRPC status"},
        {{{"content-type", "application/grpc"}}, "UNKNOWN connection: not a gRPC server: it sent no HTTP status"},
        {{{":status", "abc"}, {"content-type", "application/grpc"}},
         "UNKNOWN connection: not a gRPC server: it sent no HTTP status"},
        {{}, "UNKNOWN connection: not a gRPC server: it sent no HTTP status"},
    };
    for (const auto& [first, expected] : table) {
        CHECK(test_call().head(first).outcome() == expected);
        CHECK(test_call().head(first, true).outcome() == expected);
        CHECK(test_call().head(first).body("<html>").trailers({{"grpc-status", "0"}}).close().outcome() == expected);
    }
}

TEST_CASE("the gRPC status of an HTTP error counts") {
    CHECK(test_call()
              .head({{":status", "415"},
                     {"content-type", "application/grpc"},
                     {"grpc-status", "3"},
                     {"grpc-message", "bad"}},
                    true)
              .outcome() == "INVALID_ARGUMENT server: bad");
}

TEST_CASE("content types are case-insensitive and may have parameters") {
    for (const char* type : {"Application/GRPC", "application/grpc;x=y", "application/grpc+proto"}) {
        CHECK(test_call().head({{":status", "200"}, {"content-type", type}}).outcome() == "open");
    }
}

TEST_CASE("a stream that closes without a status gets one from its code") {
    CHECK(test_call().close().outcome() == "INTERNAL connection: the server ended the stream without a gRPC status");
    CHECK(test_call().head().body(frame("x")).close().outcome() ==
          "INTERNAL connection: the server ended the stream without a gRPC status: is it shutting down?");
    CHECK(test_call().close(error_code::cancel).outcome() == "CANCELLED connection: stream closed with CANCEL");
    CHECK(test_call().head().close(error_code::enhance_your_calm).outcome() ==
          "RESOURCE_EXHAUSTED connection: stream closed with ENHANCE_YOUR_CALM");
    CHECK(test_call().close(error_code{0x99}).outcome() == "INTERNAL connection: stream closed with error 0x99");
}

TEST_CASE("an unprocessed request is unavailable, whatever the code") {
    CHECK(test_call().close(error_code::refused_stream, true).outcome() ==
          "UNAVAILABLE connection: the server did not process the request: REFUSED_STREAM (unprocessed)");
    CHECK(test_call().close(error_code::cancel, true).outcome().starts_with("UNAVAILABLE"));
    CHECK(test_call().head().close(error_code::refused_stream, false).outcome() ==
          "UNAVAILABLE connection: stream closed with REFUSED_STREAM");
}

TEST_CASE("the first status of a call is final") {
    test_call c;
    c.head().trailers({{"grpc-status", "5"}});
    c.close(error_code::no_error).close(error_code::internal_error).close(error_code::refused_stream, true);
    c.trailers({{"grpc-status", "0"}}).body("junk");
    c.finish({code::deadline_exceeded, "late", origin::deadline});
    CHECK(c.outcome() == "NOT_FOUND server: ");
    test_call d;
    d.head();
    d.finish({code::deadline_exceeded, "after 5s", origin::deadline});
    d.trailers({{"grpc-status", "0"}}).close();
    CHECK(d.outcome() == "DEADLINE_EXCEEDED deadline: after 5s");
}

TEST_CASE("invalid messages end the call, and nothing is reported afterwards") {
    test_call c;
    c.head().body(frame("good") + "\1\0\0\0\1x"s + frame("never"));
    CHECK(c.outcome() == "INTERNAL connection: the server sent a compressed message, but we did not offer compression");
    c.body(frame("never"));
    CHECK(c.got.messages == std::vector<std::string>{"good"});
    CHECK(test_call().head().body("\0\0\0\0\x65"s).outcome().starts_with("RESOURCE_EXHAUSTED connection: "));
    CHECK(test_call().body(frame("x")).outcome() == "INTERNAL connection: the server sent a body before any headers");
}

TEST_CASE("a second header block before the trailers is ignored") {
    test_call c;
    c.head().head({{"grpc-status", "3"}});
    CHECK(c.outcome() == "open");
}

TEST_CASE("a sink may end the call from inside a message") {
    struct ending : collector {
        call_state* state = nullptr;
        void on_message_end() override {
            collector::on_message_end();
            state->finish({code::cancelled, "enough", origin::local});
        }
    };
    call_state c(100);
    ending sink;
    sink.state = &c;
    c.on_headers(response_headers, false);
    c.on_data(frame("one") + "\7bad message"s, sink);
    CHECK(c.final_status()->message == "enough");
}
