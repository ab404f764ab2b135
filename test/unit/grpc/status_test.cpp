// SPDX-License-Identifier: Apache-2.0
#include "grpc/status.hpp"

#include "grpc/call_state.hpp"
#include "grpc/mapping.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::grpc;
using namespace std::string_literals;
using etcdsync::http2::error_code;

TEST_CASE("codes have the names of the specification") {
    CHECK(to_string(code::ok) == "OK");
    CHECK(to_string(code::cancelled) == "CANCELLED");
    CHECK(to_string(code::deadline_exceeded) == "DEADLINE_EXCEEDED");
    CHECK(to_string(code::unavailable) == "UNAVAILABLE");
    CHECK(to_string(code::unauthenticated) == "UNAUTHENTICATED");
    CHECK(to_string(static_cast<code>(99)) == "UNKNOWN");
}

TEST_CASE("a default status is OK") {
    CHECK(status().ok());
    CHECK_FALSE(status(code::aborted, "x", origin::local).ok());
}

TEST_CASE("HTTP statuses map as in grpc-go") {
    const std::pair<const char*, code> table[] = {
        {"400", code::internal},      {"401", code::unauthenticated}, {"403", code::permission_denied},
        {"404", code::unimplemented}, {"429", code::unavailable},     {"502", code::unavailable},
        {"503", code::unavailable},   {"504", code::unavailable},     {"500", code::unknown},
        {"200", code::unknown},       {"302", code::unknown},         {"", code::unknown},
    };
    for (const auto& [http, expected] : table) CHECK(from_http_status(http) == expected);
}

TEST_CASE("RST_STREAM codes map as in grpc-go") {
    for (std::uint32_t number = 0; number < 20; ++number) {
        code expected = code::internal;
        if (number == 3 || number == 11) expected = code::resource_exhausted;
        if (number == 7) expected = code::unavailable;
        if (number == 8) expected = code::cancelled;
        if (number == 12) expected = code::permission_denied;
        CAPTURE(number);
        CHECK(from_reset(error_code{number}) == expected);
    }
}

TEST_CASE("grpc-message is decoded, and invalid escapes are kept") {
    CHECK(decode_message("") == "");
    CHECK(decode_message("etcdserver: mvcc: plain") == "etcdserver: mvcc: plain");
    CHECK(decode_message("a%20b%C3%a9%25") == "a b\xc3\xa9%");
    CHECK(decode_message("%") == "%");
    CHECK(decode_message("%4") == "%4");
    CHECK(decode_message("100%!") == "100%!");
    CHECK(decode_message("%zz%4g%41") == "%zz%4gA");
    CHECK(decode_message("%%41") == "%A");
    CHECK(decode_message("%2541") == "%41");
    CHECK(decode_message("%00") == "\0"s);
}

TEST_CASE("a request contains the headers that gRPC requires, then the metadata") {
    const etcdsync::http2::header_view metadata[] = {{"token", "secret", true}, {"hasleader", "true"}};
    const auto headers = request_headers("/etcdserverpb.KV/Range", "db:2379", false, metadata);
    std::string flat;
    for (const auto& h : headers) flat += std::string(h.name) + "=" + std::string(h.value) + (h.sensitive ? "! " : " ");
    CHECK(flat ==
          ":method=POST :scheme=http :path=/etcdserverpb.KV/Range :authority=db:2379 te=trailers "
          "content-type=application/grpc user-agent=etcd-sync token=secret! hasleader=true ");
    CHECK(request_headers("/a/b", "c", true, {})[1].value == "https");
}
