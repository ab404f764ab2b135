// SPDX-License-Identifier: Apache-2.0
#include "aio/clock.hpp"

#include "support/fake_clock.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;
using test::test_loop;

namespace {

aio::awaitable<> note_after(aio::clock& clock, aio::clock::duration pause, std::string& out, char what) {
    co_await aio::sleep(clock, pause);
    out.push_back(what);
}

aio::awaitable<aio::clock::duration> slept(aio::clock& clock, aio::clock::duration pause) {
    const auto before = clock.now();
    co_await aio::sleep(clock, pause);
    co_return clock.now() - before;
}

aio::awaitable<> wait_once(aio::event& e, aio::clock& clock, aio::clock::time_point until, bool& over) {
    co_await aio::wait_until(e, clock, until);
    over = true;
}

}  // namespace

TEST_CASE("sleepers wake in the order of their times, not in the order they started") {
    test_loop loop;
    std::string order;
    loop.tasks.spawn("c", note_after(loop.clock, 3s, order, 'c'));
    loop.tasks.spawn("a", note_after(loop.clock, 1s, order, 'a'));
    loop.tasks.spawn("b", note_after(loop.clock, 2s, order, 'b'));
    loop.settle();
    CHECK(order.empty());
    loop.clock.advance(1s);
    CHECK(order == "a");
    loop.clock.advance(10s);
    CHECK(order == "abc");
}

TEST_CASE("a sleep lasts exactly as long as requested on the fake clock") {
    test_loop loop;
    CHECK(loop.run(slept(loop.clock, 90s), 1h) == 90s);
    CHECK(loop.run(slept(loop.clock, 0s)) == 0s);
    CHECK(loop.run(slept(loop.clock, -5s)) == 0s);
}

TEST_CASE("a canceled sleeper wakes at once and leaves no handler in the clock") {
    test_loop loop;
    std::string order;
    loop.tasks.spawn("a", note_after(loop.clock, 1h, order, 'a'));
    loop.settle();
    CHECK(loop.clock.pending() == 1);
    loop.tasks.cancel();
    loop.settle();
    CHECK(order.empty());
    CHECK(loop.tasks.empty());
    CHECK(loop.clock.pending() == 0);
}

TEST_CASE("wait_until() returns on the event or at the time, whichever comes first") {
    test_loop loop;
    aio::event e(loop.executor());
    for (const bool by_event : {true, false}) {
        bool over = false;
        loop.tasks.spawn("waiter", wait_once(e, loop.clock, loop.clock.now() + 10s, over));
        loop.settle();
        loop.clock.advance(9s);
        CHECK_FALSE(over);
        if (by_event) {
            e.notify();
            loop.settle();
        } else {
            loop.clock.advance(1s);
        }
        CHECK(over);
        CHECK(loop.clock.pending() == 0);
    }
}

TEST_CASE("an alarm is called once, and not after it was destroyed") {
    test_loop loop;
    int calls = 0;
    {
        const aio::alarm kept(loop.clock, loop.clock.now() + 1s, [&] { ++calls; });
        loop.clock.advance(5s);
        CHECK(calls == 1);
        loop.clock.advance(5s);
    }
    {
        const aio::alarm destroyed(loop.clock, loop.clock.now() + 1s, [&] { ++calls; });
    }
    loop.clock.advance(5s);
    CHECK(calls == 1);
}

TEST_CASE("the system clock runs handlers in order, also those due at the same time, but no canceled ones") {
    aio::asio::io_context io{1};
    aio::system_clock clock(io.get_executor());
    std::string order;
    const auto note = [&order](char what) { return [&order, what] { order.push_back(what); }; };
    const auto soon = clock.now() + 2ms;
    clock.schedule(soon + 2ms, note('d'));
    clock.schedule(soon, note('a'));
    const auto canceled = clock.schedule(soon, note('x'));
    clock.schedule(soon, note('b'));
    clock.schedule(soon, [&] {
        order.push_back('c');
        clock.schedule(clock.now() - 1h, note('!'));  // a time in the past means now
    });
    clock.cancel(canceled);
    io.run_for(5s);
    CHECK(order == "abc!d");
    CHECK(io.stopped());  // the clock does not keep the loop running without handlers
}

TEST_CASE("a handler of the system clock may cancel all handlers, including itself") {
    aio::asio::io_context io{1};
    aio::system_clock clock(io.get_executor());
    std::vector<aio::clock::timer_id> ids;
    int called = 0;
    for (int i = 0; i < 5; ++i) {
        ids.push_back(clock.schedule(clock.now(), [&] {
            ++called;
            for (const auto& id : ids) clock.cancel(id);
        }));
    }
    io.run_for(5s);
    CHECK(called == 1);
    CHECK(io.stopped());
}

TEST_CASE("the system clock works after the last handler was canceled") {
    aio::asio::io_context io{1};
    aio::system_clock clock(io.get_executor());
    int called = 0;
    clock.cancel(clock.schedule(clock.now() + 1h, [&] { ++called; }));
    clock.schedule(clock.now() + 1ms, [&] { ++called; });
    io.run_for(5s);
    CHECK(called == 1);
}

TEST_CASE("sleep() works with the system clock") {
    aio::asio::io_context io{1};
    aio::system_clock clock(io.get_executor());
    std::string order;
    aio::task_group tasks(io.get_executor(),
                          [](const std::string&, const std::exception_ptr&) { FAIL("a task failed"); });
    tasks.spawn("b", note_after(clock, 300ms, order, 'b'));
    tasks.spawn("a", note_after(clock, 1ms, order, 'a'));
    io.run_for(5s);
    CHECK(order == "ab");
    CHECK(tasks.empty());
}
