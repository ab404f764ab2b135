// SPDX-License-Identifier: Apache-2.0
#include "hostile_cases.hpp"

#include <nghttp2/nghttp2.h>

namespace etcdsync::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr std::uint8_t end_headers = NGHTTP2_FLAG_END_HEADERS;
constexpr std::uint8_t end_both = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
const header_list good_headers = {{":status", "200"}, {"content-type", "application/grpc"}};

std::string headers(stream_id id, const header_list& list, std::uint8_t flags = end_headers) {
    return raw_frame(NGHTTP2_HEADERS, flags, id, raw_block(list));
}

/// Answers every request with the bytes that `make` returns for its stream.
hostile_case answers(std::string name, std::function<std::string(stream_id)> make,
                     std::chrono::milliseconds lasts = 200ms) {
    hostile_case out{std::move(name), {}, lasts};
    out.how.answer = [make = std::move(make)](const exchange& asked) {
        asked.raw(make(asked.id));
        return true;
    };
    return out;
}

/// Answers every request with `first`, then with `then` without end.
hostile_case answers_with_flood(std::string name, std::function<std::string(stream_id)> first,
                                std::function<std::string(stream_id)> then) {
    hostile_case out{"flood: " + std::move(name), {}, 1'000ms};
    out.how.answer = [first = std::move(first), then = std::move(then)](const exchange& asked) {
        if (asked.raw(first(asked.id))) asked.wire.flood(then(asked.id));
        return true;
    };
    return out;
}

/// Answers every request with a complete page, as an HTTP server does.
hostile_case answers_page(std::string name, header_list list, std::string body) {
    return answers(std::move(name), [list = std::move(list), body = std::move(body)](stream_id id) {
        return headers(id, list) + raw_frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, id, body);
    });
}

hostile_case answers_headers(std::string name, header_list list, std::uint8_t flags = end_both) {
    return answers(std::move(name), [list = std::move(list), flags](stream_id id) { return headers(id, list, flags); });
}

/// A header block in several frames (RFC 9113 section 6.10).
std::string continued(stream_id id, std::string_view block) {
    constexpr std::size_t size = 16'000;
    std::string out = raw_frame(NGHTTP2_HEADERS, 0, id, block.substr(0, size));
    for (std::size_t at = size; at < block.size(); at += size) {
        const bool last = at + size >= block.size();
        out += raw_frame(NGHTTP2_CONTINUATION, last ? end_headers : std::uint8_t{0}, id, block.substr(at, size));
    }
    return out;
}

header_list with(header_list list, std::string name, std::string value) {
    list.push_back({std::move(name), std::move(value)});
    return list;
}

std::string hpack_bomb(stream_id id) {
    std::string block =
        raw_block(good_headers) + "\x40\x01x\x7f\xbd\x1d"s + std::string(3'900, 'v') + std::string(10'000, '\xbe');
    return raw_frame(NGHTTP2_HEADERS, end_headers, id, block);
}

const std::string html = "<html><body>\x1b[31m<h1>502 Bad Gateway</h1></body></html>";

hostile_cases floods_of_answers() {
    const auto good = [](stream_id id) { return headers(id, good_headers); };
    const auto nothing = [](stream_id) { return std::string(); };
    hostile_cases all;
    all.push_back(answers_with_flood("1xx", nothing, [](stream_id id) {
        return headers(id, {{":status", "103"}, {"link", "x"}});
    }));
    all.push_back(answers_with_flood("empty DATA", good, [](stream_id id) { return raw_frame(NGHTTP2_DATA, 0, id); }));
    all.push_back(answers_with_flood("padded empty DATA", good, [](stream_id id) {
        return raw_frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, id, "\x08" + std::string(8, '\0'));
    }));
    all.push_back(answers_with_flood(
        "DATA of one byte", [good](stream_id id) { return good(id) + raw_frame(NGHTTP2_DATA, 0, id, "\0\0\x40\0\0"s); },
        [](stream_id id) { return raw_frame(NGHTTP2_DATA, 0, id, "x"); }));
    all.push_back(answers_with_flood(
        "DATA of a closed stream", [](stream_id id) { return headers(id, good_headers, end_both); },
        [](stream_id id) { return raw_frame(NGHTTP2_DATA, 0, id, "x"); }));
    all.push_back(answers_with_flood(
        "RST_STREAM", [](stream_id id) { return raw_frame(NGHTTP2_RST_STREAM, 0, id, big_endian(8)); },
        [](stream_id id) { return raw_frame(NGHTTP2_RST_STREAM, 0, id, big_endian(8)); }));
    all.push_back(answers_with_flood(
        "CONTINUATION", [](stream_id id) { return raw_frame(NGHTTP2_HEADERS, 0, id, raw_block(good_headers)); },
        [](stream_id id) { return raw_frame(NGHTTP2_CONTINUATION, 0, id); }));
    all.push_back(answers_with_flood(
        "an endless header block",
        [](stream_id id) { return raw_frame(NGHTTP2_HEADERS, 0, id, raw_block(good_headers)); },
        [](stream_id id) {
            return raw_frame(NGHTTP2_CONTINUATION, 0, id, raw_block({{"x", std::string(16'000, 'v')}}));
        }));
    all.push_back(answers_with_flood(
        "an endless body",
        [](stream_id id) {
            return headers(id, {{":status", "200"}, {"content-type", "text/html"}});
        },
        [](stream_id id) { return raw_frame(NGHTTP2_DATA, 0, id, std::string(8'192, 'x')); }));
    return all;
}

}  // namespace

hostile_cases http_cases() {
    hostile_cases all = floods_of_answers();
    all.push_back(answers("HPACK bomb", hpack_bomb));
    all.push_back(answers("a header of 1 MB", [](stream_id id) {
        return continued(id, raw_block(with(good_headers, "big", std::string(100'000, 'x'))));
    }));
    all.push_back(answers("a thousand headers", [](stream_id id) {
        header_list list = good_headers;
        for (int i = 0; i < 1'000; ++i) list.push_back({"n", "v"});
        return headers(id, list);
    }));
    all.push_back(answers("a bad HPACK index", [](stream_id id) {
        return raw_frame(NGHTTP2_HEADERS, end_headers, id, "\xff\xff\xff\xff\x0f");
    }));
    all.push_back(answers_headers("no :status", {{"content-type", "application/grpc"}}));
    all.push_back(answers_headers(":status twice", {{":status", "200"}, {":status", "200"}}));
    all.push_back(answers_headers(":status abc", {{":status", "abc"}}));
    all.push_back(answers_headers(":status 99", {{":status", "99"}, {"content-type", "application/grpc"}}));
    all.push_back(answers_headers(":path in a response", with(good_headers, ":path", "/")));
    all.push_back(answers_headers("a name in upper case", with(good_headers, "Upper", "x")));
    all.push_back(answers_headers("a value with a line break", with(good_headers, "x", "a\r\nb: c")));
    all.push_back(answers_headers("`connection` in HTTP/2", with(good_headers, "connection", "close")));
    all.push_back(answers_page("a wrong content-length", with(good_headers, "content-length", "3"), "abcdefgh"));
    all.push_back(answers_page("502 with HTML", {{":status", "502"}, {"content-type", "text/html"}}, html));
    all.push_back(answers_page("200 with HTML", {{":status", "200"}, {"content-type", "text/html\x7f"}}, html));
    all.push_back(answers_page("200 with HTML and escapes in its type",
                               {{":status", "200"}, {"content-type", "text/\xc2\x9b;31m"}}, html));
    all.push_back(answers_page("404 of a proxy", {{":status", "404"}, {"content-type", "text/plain"}}, "no such page"));
    all.push_back(answers_page("401 of a proxy", {{":status", "401"}, {"www-authenticate", "Basic"}}, ""));
    all.push_back(answers_page("302 to another host", {{":status", "302"}, {"location", "http://evil.example/"}}, ""));
    all.push_back(
        answers_page("JSON", {{":status", "200"}, {"content-type", "application/json"}}, "{\"error\":\"x\"}"));
    all.push_back(
        answers_page("gRPC-web", {{":status", "200"}, {"content-type", "application/grpc-web+proto"}}, "\0\0\0\0\0"s));
    all.push_back(answers_page("no content-type", {{":status", "200"}}, "\0\0\0\0\0"s));
    all.push_back(answers("a body before headers", [](stream_id id) { return raw_frame(NGHTTP2_DATA, 0, id, "x"); }));
    all.push_back(answers(
        "headers without END_HEADERS",
        [](stream_id id) { return raw_frame(NGHTTP2_HEADERS, 0, id, raw_block(good_headers)); }, 1'300ms));
    all.push_back(answers(
        "headers, then nothing", [](stream_id id) { return headers(id, good_headers); }, 1'300ms));
    all.push_back(answers("trailers twice", [](stream_id id) {
        const std::string end = headers(id, {{"grpc-status", "0"}}, end_both);
        return headers(id, good_headers) + end + end;
    }));
    all.push_back(answers("trailers in the middle", [](stream_id id) {
        return headers(id, good_headers) + headers(id, {{"grpc-status", "0"}}) +
               raw_frame(NGHTTP2_DATA, 0, id, "\0\0\0\0\0"s);
    }));
    all.push_back(answers("more than the window", [](stream_id id) {
        std::string out = headers(id, good_headers) + raw_frame(NGHTTP2_DATA, 0, id, "\0\0\x80\0\0"s);
        for (int i = 0; i < 600; ++i) out += raw_frame(NGHTTP2_DATA, 0, id, std::string(16'000, 'x'));
        return out;
    }));
    for (const std::uint32_t code : {0U, 1U, 2U, 7U, 8U, 11U, 12U, 13U, 0x7777U}) {
        all.push_back(answers("RST_STREAM " + std::to_string(code),
                              [code](stream_id id) { return raw_frame(NGHTTP2_RST_STREAM, 0, id, big_endian(code)); }));
    }
    all.push_back(answers("GOAWAY below the request",
                          [](stream_id) { return raw_frame(NGHTTP2_GOAWAY, 0, 0, big_endian(0) + big_endian(0)); }));
    all.push_back(answers(
        "GOAWAY above the request, then nothing",
        [](stream_id id) {
            return raw_frame(NGHTTP2_GOAWAY, 0, 0, big_endian(static_cast<std::uint32_t>(id)) + big_endian(0));
        },
        1'300ms));
    return all;
}

}  // namespace etcdsync::test
