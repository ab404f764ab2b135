// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "aio/task_group.hpp"

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <map>
#include <optional>
#include <utility>

/// Coroutines under a test: a loop that never waits, and a clock that only moves when it is told to.
namespace etcdsync::test {

namespace asio = aio::asio;

/// Stands still until the test moves it.
class fake_clock final : public aio::clock {
public:
    explicit fake_clock(asio::io_context& io) : io_(&io) {}

    [[nodiscard]] time_point now() const override { return now_; }
    [[nodiscard]] std::chrono::system_clock::time_point wall() const override;
    timer_id schedule(time_point when, handler h) override;
    void cancel(const timer_id& id) override { waiting_.erase(id); }

    /// Lets this much time pass: what falls due on the way is run from the loop, in order, each at its own time, and so is all
    /// that becomes ready by it. Not from inside the loop.
    void advance(duration how_long);

    [[nodiscard]] std::size_t pending() const { return waiting_.size(); }

    /// When the next handler is due.
    [[nodiscard]] std::optional<time_point> next() const;

private:
    asio::io_context* io_;
    time_point now_{std::chrono::hours(1000)};
    std::map<timer_id, handler> waiting_;
    std::uint64_t number_ = 0;
};

/// A loop, its clock and a group for the tasks of a test. Declare it first. At its end it cancels what is left in the group and
/// fails the test if anything stays in the loop.
class test_loop {
public:
    test_loop();
    ~test_loop();
    test_loop(const test_loop&) = delete;
    test_loop& operator=(const test_loop&) = delete;

    asio::io_context io{1};
    fake_clock clock{io};
    aio::task_group tasks;

    [[nodiscard]] asio::any_io_executor executor() { return io.get_executor(); }

    /// Runs all that is ready.
    void settle();

    /// Runs `body` to its end, and fails the test where it hangs. Time stands still, or passes up to `patience`.
    template <class T>
    T run(aio::awaitable<T> body, aio::clock::duration patience = {}) {
        std::optional<T> out;
        finish(keep(std::move(body), out), patience);
        return std::move(*out);
    }
    void run(aio::awaitable<> body, aio::clock::duration patience = {}) { finish(std::move(body), patience); }

private:
    template <class T>
    static aio::awaitable<> keep(aio::awaitable<T> body, std::optional<T>& out) {
        out.emplace(co_await std::move(body));
    }
    void finish(aio::awaitable<> body, aio::clock::duration patience);
};

}  // namespace etcdsync::test
