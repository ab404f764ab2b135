// SPDX-License-Identifier: Apache-2.0
#include "replication/link/revision_times.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::replication;
using namespace std::chrono_literals;
using time_point = etcdsync::aio::clock::time_point;

TEST_CASE("a revision is known since the first read that had it or a later one") {
    revision_times times(20s);
    CHECK_FALSE(times.known_since(1).has_value());
    CHECK(times.note(10, time_point(1s)));
    CHECK(times.note(10, time_point(2s)));
    CHECK(times.note(14, time_point(3s)));
    CHECK(times.known_since(9) == time_point(1s));
    CHECK(times.known_since(10) == time_point(1s));
    CHECK(times.known_since(11) == time_point(3s));
    CHECK_FALSE(times.known_since(15).has_value());
}

TEST_CASE("a revision that is older than what is kept is known since the newest read that is too old") {
    revision_times times(20s);
    for (int i = 0; i < 100; ++i) times.note(100 + i, time_point(std::chrono::seconds(i)));
    CHECK(times.known_since(100) == time_point(79s));
    CHECK(times.known_since(180) == time_point(80s));
}

TEST_CASE("a lower revision than before says so, and begins anew") {
    revision_times times(20s);
    CHECK(times.note(10, time_point(1s)));
    CHECK_FALSE(times.note(9, time_point(2s)));
    CHECK(times.known_since(9) == time_point(2s));
    CHECK_FALSE(times.known_since(10).has_value());
}
