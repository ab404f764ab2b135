// SPDX-License-Identifier: Apache-2.0
#include "http2/body_queue.hpp"
#include "http2/frame_splitter.hpp"
#include "http2/header_block.hpp"
#include "http2/idle_budget.hpp"
#include "support/http2_server.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync::http2;
using etcdsync::test::raw_frame;

TEST_CASE("a body queue returns its bytes in order, in pieces of any size") {
    for (std::size_t capacity = 1; capacity < 12; ++capacity) {
        body_queue queue;
        for (const char* chunk : {"ab", "", "c", "defgh"}) queue.push(chunk);
        CHECK(queue.size() == 8);
        std::string got;
        while (!queue.empty()) {
            std::string piece(capacity, '?');
            piece.resize(queue.take(piece.data(), capacity));
            got += piece;
        }
        CHECK(got == "abcdefgh");
        CHECK_FALSE(queue.ended());
        queue.end();
        CHECK(queue.ended());
    }
}

TEST_CASE("an empty body queue returns nothing") {
    body_queue queue;
    char c = 'x';
    CHECK(queue.take(&c, 1) == 0);
    CHECK(c == 'x');
}

TEST_CASE("a header block rejects fields above its limits") {
    header_block block(10, 3);
    CHECK(block.add("abc", "de"));
    CHECK(block.add("abcde", ""));
    CHECK_FALSE(block.add("a", ""));
    CHECK(block.add("", ""));
    CHECK_FALSE(block.add("", ""));
    CHECK(block.fields().size() == 3);
    block.clear();
    CHECK(block.fields().empty());
    CHECK(block.add("abcdefghij", ""));
    CHECK_FALSE(block.add("", "k"));
}

TEST_CASE("only a first :status of 1xx makes a block informational") {
    header_block block(100, 10);
    CHECK_FALSE(block.informational());
    CHECK(block.add(":status", "100"));
    CHECK(block.informational());
    block.clear();
    CHECK(block.add(":status", "200"));
    CHECK_FALSE(block.informational());
    block.clear();
    CHECK(block.add("grpc-status", "1"));
    CHECK_FALSE(block.informational());
}

TEST_CASE("progress refills an idle budget") {
    idle_budget budget(2);
    budget.refund_one();
    budget.spend(2);
    CHECK_FALSE(budget.exhausted());
    budget.refund_one();
    budget.spend(1);
    CHECK_FALSE(budget.exhausted());
    budget.spend(1);
    CHECK(budget.exhausted());
    budget.progress();
    CHECK_FALSE(budget.exhausted());
}

TEST_CASE("frames are counted and frame headers kept in one piece, for chunks of any size") {
    std::string bytes;
    const std::vector<std::size_t> sizes = {0, 1, 8, 9, 10, 300, 0, 0, 70'000, 5};
    for (const auto size : sizes) bytes += raw_frame(0, 0, 1, std::string(size, '\xff'));
    for (std::size_t chunk = 1; chunk < 50; ++chunk) {
        frame_splitter splitter;
        std::string back;
        unsigned frame_headers = 0;
        for (std::size_t i = 0; i < bytes.size(); i += chunk) {
            std::string_view input = std::string_view(bytes).substr(i, chunk);
            while (!input.empty()) {
                const auto piece = splitter.next(input);
                back += piece.bytes;
                frame_headers += piece.frame_headers;
            }
        }
        CHECK(frame_headers == sizes.size());
        CHECK(back == bytes);
    }
}

TEST_CASE("a piece contains a limited number of frames, so that floods are noticed early") {
    std::string bytes;
    for (int i = 0; i < 1'000; ++i) bytes += raw_frame(0, 0, 1);
    std::string_view input = bytes;
    frame_splitter splitter;
    CHECK(splitter.next(input).frame_headers == frame_splitter::max_frame_headers);
    CHECK(input.size() == (1'000 - frame_splitter::max_frame_headers) * 9);
}
