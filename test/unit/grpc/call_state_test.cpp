// SPDX-License-Identifier: Apache-2.0
#include "grpc/call_state.hpp"

#include "sink.hpp"

using namespace etcdsync::grpc;
using namespace std::string_literals;
using etcdsync::http2::error_code;
using headers = std::vector<etcdsync::http2::header>;

namespace {

const headers begun = {{":status", "200"}, {"content-type", "application/grpc"}};

struct call : call_state {
    call() : call_state(100) {}
    collector got;

    call& head(const headers& h = begun, bool end = false) { return on_headers(h, end), *this; }
    call& trailers(const headers& h) { return on_headers(h, true), *this; }
    call& body(std::string_view bytes) { return on_data(bytes, got), *this; }
    call& close(error_code c = error_code::no_error, bool unprocessed = false) {
        return on_close(c, unprocessed), *this;
    }

    /// "INTERNAL connection: text"; "open" before the end.
    [[nodiscard]] std::string told() const {
        if (!final_status()) return "open";
        static constexpr const char* origins[] = {"server", "connection", "deadline", "local"};
        const auto& s = *final_status();
        return std::string(to_string(s.value)) + " " + origins[static_cast<int>(s.from)] + ": " + s.message +
               (s.unprocessed ? " (unprocessed)" : "");
    }
};

}  // namespace

TEST_CASE("headers, messages and trailers make an OK call") {
    call c;
    CHECK(c.head().told() == "open");
    CHECK(c.body(frame("one") + frame("two").substr(0, 6)).told() == "open");
    CHECK(c.body("wo").told() == "open");
    CHECK(c.trailers({{"grpc-status", "0"}, {"grpc-message", ""}}).told() == "OK server: ");
    CHECK(c.got.messages == std::vector<std::string>{"one", "two"});
}

TEST_CASE("Trailers-Only ends the call at once") {
    auto trailers = begun;
    trailers.push_back({"grpc-message", "etcdserver: permission denied"});
    trailers.push_back({"grpc-status", "7"});
    CHECK(call().head(trailers, true).told() == "PERMISSION_DENIED server: etcdserver: permission denied");
}

TEST_CASE("unknown headers, also the ones of etcd's TLS server, are passed over") {
    call c;
    c.head({{":status", "200"},
            {"access-control-allow-origin", "*"},
            {"content-type", "application/grpc+proto"},
            {"trailer", "Grpc-Status"},
            {"grpc-accept-encoding", "gzip"}});
    CHECK(c.trailers({{"x", "y"}, {"grpc-status", "0"}, {"grpc-status-details-bin", "AA"}}).told() == "OK server: ");
}

TEST_CASE("every code of the server is taken, with its text") {
    for (int number = 1; number <= 16; ++number) {
        call c;
        c.head().trailers({{"grpc-status", std::to_string(number)}, {"grpc-message", "why%20not"}});
        CHECK(c.told() == std::string(to_string(static_cast<code>(number))) + " server: why not");
    }
}

TEST_CASE("codes nobody knows count as UNKNOWN and are told") {
    CHECK(call().head().trailers({{"grpc-status", "17"}, {"grpc-message", "m"}}).told() ==
          "UNKNOWN server: grpc-status 17: m");
    CHECK(call().head().trailers({{"grpc-status", "99"}}).told() == "UNKNOWN server: grpc-status 99: ");
    CHECK(call().head().trailers({{"grpc-status", "4294967296"}}).told() == "UNKNOWN server: grpc-status 4294967296: ");
}

TEST_CASE("a garbled grpc-status is an internal error, never OK") {
    for (const char* bad : {"", "-1", "0x0", "00", "01", "+0", " 0", "0 ", "0,0", "OK", "1e0", "\x1b[2J"}) {
        CAPTURE(std::string(bad));
        call c;
        c.head().trailers({{"grpc-status", bad}});
        CHECK(c.told().starts_with("INTERNAL connection: garbled grpc-status \""));
        CHECK(c.told().find('\x1b') == std::string::npos);
    }
    CHECK(call().head().trailers({{"grpc-status", std::string(10'000, 'x')}}).told().size() < 100);
    CHECK(call().head().trailers({{"grpc-status", std::string(10'000, '9')}}).told().size() < 100);
}

TEST_CASE("grpc-status twice or missing is an error") {
    CHECK(call().head().trailers({{"grpc-status", "0"}, {"grpc-status", "0"}}).told() ==
          "INTERNAL connection: the server sent more than one grpc-status");
    CHECK(call().head().trailers({{"x", "y"}}).told() ==
          "UNKNOWN connection: the server ended the call without grpc-status");
    CHECK(call().head(begun, true).told() == "UNKNOWN connection: the server ended the call without grpc-status");
}

TEST_CASE("a grpc-status that comes only with the first headers does not count") {
    auto first = begun;
    first.push_back({"grpc-status", "0"});
    CHECK(call().head(first).told() == "open");
    CHECK(call().head(first).trailers({}).told() ==
          "UNKNOWN connection: the server ended the call without grpc-status");
    CHECK(call().head(first).close().told() ==
          "INTERNAL connection: the server ended the stream without a gRPC status: is it shutting down?");
}

TEST_CASE("OK in the middle of a message is an error; another status stands") {
    CHECK(call().head().body("\0\0"s).trailers({{"grpc-status", "0"}}).told() ==
          "INTERNAL connection: the server ended the call with OK in the middle of a message");
    CHECK(call().head().body("\0\0\0\0\2x"s).trailers({{"grpc-status", "0"}}).told().starts_with("INTERNAL"));
    CHECK(call().head().body("\0\0\0\0\2x"s).trailers({{"grpc-status", "14"}}).told() == "UNAVAILABLE server: ");
}

TEST_CASE("OK without a message is left to the caller") {
    CHECK(call().head().trailers({{"grpc-status", "0"}}).told() == "OK server: ");
}

TEST_CASE("grpc-message is made printable and cut") {
    const auto told = [](const std::string& message) {
        return call().head().trailers({{"grpc-status", "2"}, {"grpc-message", message}}).told();
    };
    CHECK(told("%1B[31mred%0A") == "UNKNOWN server: \\x1b[31mred\\x0a");
    CHECK(told("caf%C3%A9 %ff") == "UNKNOWN server: caf\xc3\xa9 \\xff");
    CHECK(told("100%").ends_with("100%"));
    CHECK(told(std::string(1'000'000, 'x')) == "UNKNOWN server: " + std::string(512, 'x') + "...");
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
        CHECK(call().head(first).told() == expected);
        CHECK(call().head(first, true).told() == expected);
        CHECK(call().head(first).body("<html>").trailers({{"grpc-status", "0"}}).close().told() == expected);
    }
}

TEST_CASE("an HTTP error that carries a gRPC status is the server's word") {
    CHECK(call()
              .head({{":status", "415"},
                     {"content-type", "application/grpc"},
                     {"grpc-status", "3"},
                     {"grpc-message", "bad"}},
                    true)
              .told() == "INVALID_ARGUMENT server: bad");
}

TEST_CASE("content types know no case and may have parameters") {
    for (const char* type : {"Application/GRPC", "application/grpc;x=y", "application/grpc+proto"}) {
        CHECK(call().head({{":status", "200"}, {"content-type", type}}).told() == "open");
    }
}

TEST_CASE("a stream that closes without a status gets one from its code") {
    CHECK(call().close().told() == "INTERNAL connection: the server ended the stream without a gRPC status");
    CHECK(call().head().body(frame("x")).close().told() ==
          "INTERNAL connection: the server ended the stream without a gRPC status: is it shutting down?");
    CHECK(call().close(error_code::cancel).told() == "CANCELLED connection: stream closed with CANCEL");
    CHECK(call().head().close(error_code::enhance_your_calm).told() ==
          "RESOURCE_EXHAUSTED connection: stream closed with ENHANCE_YOUR_CALM");
    CHECK(call().close(error_code{0x99}).told() == "INTERNAL connection: stream closed with error 0x99");
}

TEST_CASE("an unprocessed request is unavailable, whatever the code") {
    CHECK(call().close(error_code::refused_stream, true).told() ==
          "UNAVAILABLE connection: the request was never acted on: REFUSED_STREAM (unprocessed)");
    CHECK(call().close(error_code::cancel, true).told().starts_with("UNAVAILABLE"));
    CHECK(call().head().close(error_code::refused_stream, false).told() ==
          "UNAVAILABLE connection: stream closed with REFUSED_STREAM");
}

TEST_CASE("the first end of a call stands") {
    call c;
    c.head().trailers({{"grpc-status", "5"}});
    c.close(error_code::no_error).close(error_code::internal_error).close(error_code::refused_stream, true);
    c.trailers({{"grpc-status", "0"}}).body("junk");
    c.finish({code::deadline_exceeded, "late", origin::deadline});
    CHECK(c.told() == "NOT_FOUND server: ");
    call d;
    d.head();
    d.finish({code::deadline_exceeded, "after 5s", origin::deadline});
    d.trailers({{"grpc-status", "0"}}).close();
    CHECK(d.told() == "DEADLINE_EXCEEDED deadline: after 5s");
}

TEST_CASE("bad messages end the call, and nothing is told after it") {
    call c;
    c.head().body(frame("good") + "\1\0\0\0\1x"s + frame("never"));
    CHECK(c.told() == "INTERNAL connection: the server sent a compressed message, which we never offered");
    c.body(frame("never"));
    CHECK(c.got.messages == std::vector<std::string>{"good"});
    CHECK(call().head().body("\0\0\0\0\x65"s).told().starts_with("RESOURCE_EXHAUSTED connection: "));
    CHECK(call().body(frame("x")).told() == "INTERNAL connection: the server sent a body before any headers");
}

TEST_CASE("a further block of headers before the end changes nothing") {
    call c;
    c.head().head({{"grpc-status", "3"}});
    CHECK(c.told() == "open");
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
    c.on_headers(begun, false);
    c.on_data(frame("one") + "\7bad message"s, sink);
    CHECK(c.final_status()->message == "enough");
}
