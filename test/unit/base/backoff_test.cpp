// SPDX-License-Identifier: Apache-2.0
#include "base/backoff.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using etcdsync::base::backoff;
using etcdsync::base::random_source;

TEST_CASE("pauses double from the initial to the longest, and each is shortened by at most a fifth") {
    random_source random(1);
    backoff pauses(250ms, 10s);
    for (const auto full : {250ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 10000ms, 10000ms}) {
        const auto pause = pauses.next(random);
        CHECK(pause <= full);
        CHECK(pause >= full * 8 / 10);
    }
    CHECK(pauses.attempts() == 8);
}

TEST_CASE("reset starts again at the initial pause") {
    random_source random(2);
    backoff pauses(250ms, 10s);
    for (int i = 0; i < 100; ++i) CHECK(pauses.next(random) <= 10s);
    pauses.reset();
    CHECK(pauses.next(random) <= 250ms);
}

TEST_CASE("a pause is never zero") {
    random_source random(3);
    backoff pauses(1ms, 1ms);
    for (int i = 0; i < 100; ++i) CHECK(pauses.next(random) == 1ms);
}

TEST_CASE("the same seed gives the same pauses") {
    random_source a(7);
    random_source b(7);
    backoff first(250ms, 10s);
    backoff second(250ms, 10s);
    for (int i = 0; i < 20; ++i) CHECK(first.next(a) == second.next(b));
}
