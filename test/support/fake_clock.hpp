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

/// Helpers to test coroutines: a loop that never waits, and a clock that only moves on request.
namespace etcdsync::test {

namespace asio = aio::asio;

/// A clock that only moves in advance().
class fake_clock final : public aio::clock {
public:
    explicit fake_clock(asio::io_context& io) : io_(&io) {}

    [[nodiscard]] time_point now() const override { return now_; }
    [[nodiscard]] std::chrono::system_clock::time_point wall() const override;
    timer_id schedule(time_point when, handler h) override;
    void cancel(const timer_id& id) override { waiting_.erase(id); }

    /// Moves the time forward. Handlers that become due run from the loop, in order, each at its
    /// own time, and so does everything that they make ready. Must not be called from inside the
    /// loop.
    void advance(duration step);

    /// The number of scheduled handlers.
    [[nodiscard]] std::size_t pending() const { return waiting_.size(); }

    /// When the next handler is due.
    [[nodiscard]] std::optional<time_point> next() const;

private:
    asio::io_context* io_;
    time_point now_{std::chrono::hours(1000)};
    std::map<timer_id, handler> waiting_;
    std::uint64_t next_number_ = 0;
};

/// A loop, its clock and a task group for a test. Declare it first. Its destructor cancels the
/// tasks and fails the test if anything remains in the loop.
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

    /// Runs everything that is ready.
    void settle();

    /// Runs `body` to its end, and fails the test if it hangs. The clock moves by up to `patience`.
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
