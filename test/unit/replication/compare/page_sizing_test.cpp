// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/page_sizing.hpp"

#include <doctest/doctest.h>

using etcdsync::replication::page_sizing;

TEST_CASE("each failure halves the pages, down to 4 KiB") {
    page_sizing size(1U << 20);
    for (std::size_t wanted = 1U << 19; wanted >= 4U << 10; wanted /= 2) {
        size.note_failure();
        CHECK(size.bytes() == wanted);
    }
    size.note_failure();
    CHECK(size.bytes() == 4U << 10);
    page_sizing small(1'000);
    small.note_failure();
    CHECK(small.bytes() == 1'000);
}

TEST_CASE("after pages that arrived they grow back to what is allowed, and not beyond") {
    page_sizing size(1U << 20);
    size.note_failure();
    size.note_failure();
    for (int i = 0; i < 15; ++i) size.note_page();
    CHECK(size.bytes() == 1U << 18);
    size.note_page();
    CHECK(size.bytes() == 1U << 19);
    for (int i = 0; i < 100; ++i) size.note_page();
    CHECK(size.bytes() == 1U << 20);
}

TEST_CASE("what is too much again right after it was tried again is tried more and more rarely") {
    page_sizing size(1U << 20);
    size.note_failure();
    int before = 16;
    for (int round = 0; round < 5; ++round) {
        int pages = 0;
        for (; size.bytes() < 1U << 20; ++pages) size.note_page();
        CHECK(pages == before);
        before *= 2;
        size.note_failure();
    }
}
