// SPDX-License-Identifier: Apache-2.0
#include "aio/event.hpp"

#include "support/fake_clock.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using test::test_loop;

namespace {

aio::awaitable<> count_wakes(aio::event& e, const bool& stop, int& wakes) {
    while (!stop) {
        co_await e.wait();
        ++wakes;
    }
}

}  // namespace

TEST_CASE("an event wakes all waiters in a later turn of the loop") {
    test_loop loop;
    aio::event e(loop.executor());
    bool stop = false;
    int wakes = 0;
    for (int i = 0; i < 3; ++i) loop.tasks.spawn("waiter", count_wakes(e, stop, wakes));
    loop.settle();
    e.notify();
    CHECK(wakes == 0);
    loop.settle();
    CHECK(wakes == 3);
    stop = true;
    e.notify();
    loop.settle();
    CHECK(wakes == 6);
    CHECK(loop.tasks.empty());
}

TEST_CASE("a notification without waiters is lost") {
    test_loop loop;
    aio::event e(loop.executor());
    bool stop = false;
    int wakes = 0;
    e.notify();
    e.notify();
    loop.tasks.spawn("waiter", count_wakes(e, stop, wakes));
    loop.settle();
    CHECK(wakes == 0);
    stop = true;
    e.notify();
    loop.settle();  // the waiter ends before the objects it refers to
}

TEST_CASE("several notifications before the waiter runs wake it once") {
    test_loop loop;
    aio::event e(loop.executor());
    bool stop = false;
    int wakes = 0;
    loop.tasks.spawn("waiter", count_wakes(e, stop, wakes));
    loop.settle();
    for (int i = 0; i < 5; ++i) e.notify();
    loop.settle();
    CHECK(wakes == 1);
    stop = true;
    e.notify();
    loop.settle();  // the waiter ends before the objects it refers to
}

TEST_CASE("cancellation ends a waiter at its next co_await") {
    test_loop loop;
    aio::event e(loop.executor());
    bool stop = false;
    int wakes = 0;
    loop.tasks.spawn("waiter", count_wakes(e, stop, wakes));
    loop.settle();
    loop.tasks.cancel();
    loop.settle();
    CHECK(loop.tasks.empty());
}
