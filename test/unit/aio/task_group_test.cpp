// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"

#include "support/fake_clock.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;
using test::test_loop;

namespace {

struct failures {
    std::vector<std::string> seen;
    aio::task_group::failure_handler handler() {
        return [this](const std::string& task, const std::exception_ptr& error) {
            seen.push_back(task + ": " + aio::describe(error));
        };
    }
};

aio::awaitable<> set(bool& flag) {
    flag = true;
    co_return;
}

aio::awaitable<> fail(std::string what) {
    throw std::runtime_error(what);
    co_return;  // NOLINT: makes it a coroutine
}

aio::awaitable<> wait_forever(aio::event& e) {
    for (;;) co_await e.wait();
}

/// Holds `what`, so that its use count shows when the coroutine frame is destroyed.
aio::awaitable<> hold(std::shared_ptr<int> what, aio::event& e) {
    for (;;) {
        co_await e.wait();
        ++*what;
    }
}

aio::awaitable<> spawn_another(aio::task_group& into, aio::event& e, int left) {
    if (left > 0) into.spawn("child", spawn_another(into, e, left - 1));
    for (;;) co_await e.wait();
}

aio::awaitable<> join(aio::task_group& group, bool& joined) {
    co_await group.join();
    joined = true;
}

}  // namespace

TEST_CASE("a task starts in a later turn of the loop") {
    test_loop loop;
    bool ran = false;
    loop.tasks.spawn("outside", set(ran));
    CHECK_FALSE(ran);
    loop.settle();
    CHECK(ran);
}

TEST_CASE("a task that is spawned inside the loop starts in a later turn, too") {
    test_loop loop;
    bool inner = false;
    bool inner_at_once = false;
    aio::asio::post(loop.io, [&] {
        loop.tasks.spawn("inside", set(inner));
        inner_at_once = inner;
    });
    loop.settle();
    CHECK(inner);
    CHECK_FALSE(inner_at_once);
}

TEST_CASE("a task that throws is reported with its name and the exception") {
    test_loop loop;
    failures failed;
    aio::task_group group(loop.executor(), failed.handler());
    group.spawn("the bad one", fail("it is broken"));
    loop.settle();
    CHECK(failed.seen == std::vector<std::string>{"the bad one: it is broken"});
    CHECK(group.empty());
}

TEST_CASE("cancel() ends every task without a failure and destroys its frame") {
    test_loop loop;
    failures failed;
    aio::task_group group(loop.executor(), failed.handler());
    aio::event e(loop.executor());
    const auto held = std::make_shared<int>(0);
    for (int i = 0; i < 4; ++i) group.spawn("holder", hold(held, e));
    loop.settle();
    CHECK(held.use_count() == 5);
    group.cancel();
    loop.settle();
    CHECK(group.empty());
    CHECK(held.use_count() == 1);
    CHECK(failed.seen.empty());
}

TEST_CASE("a task that is canceled before its first turn ends, too") {
    test_loop loop;
    failures failed;
    aio::task_group group(loop.executor(), failed.handler());
    aio::event e(loop.executor());
    group.spawn("never started", wait_forever(e));
    group.cancel();
    loop.settle();
    CHECK(group.empty());
    CHECK(failed.seen.empty());
    if (!group.empty()) group.cancel();
    loop.settle();
}

TEST_CASE("join() waits for all tasks and returns at once if there are none") {
    test_loop loop;
    failures failed;
    aio::task_group group(loop.executor(), failed.handler());
    loop.run(group.join());
    aio::event e(loop.executor());
    group.spawn("first", wait_forever(e));
    group.spawn("second", wait_forever(e));
    bool joined = false;
    loop.tasks.spawn("joiner", join(group, joined));
    loop.settle();
    CHECK_FALSE(joined);
    group.cancel();
    CHECK_FALSE(joined);
    loop.settle();
    CHECK(joined);
}

TEST_CASE("tasks may spawn tasks") {
    test_loop loop;
    failures failed;
    aio::task_group group(loop.executor(), failed.handler());
    aio::event e(loop.executor());
    group.spawn("parent", spawn_another(group, e, 5));
    loop.settle();
    group.cancel();
    loop.settle();
    CHECK(group.empty());
}

TEST_CASE("a task that is spawned after cancel() is dropped and destroyed") {
    test_loop loop;
    failures failed;
    aio::task_group group(loop.executor(), failed.handler());
    aio::event e(loop.executor());
    group.spawn("first", wait_forever(e));
    loop.settle();
    group.cancel();
    bool ran = false;
    const auto held = std::make_shared<int>(0);
    group.spawn("second", set(ran));
    group.spawn("third", hold(held, e));
    loop.settle();
    CHECK_FALSE(ran);
    CHECK(held.use_count() == 1);
    CHECK(group.empty());
    CHECK(failed.seen.empty());
}
