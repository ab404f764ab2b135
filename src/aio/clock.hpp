// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"
#include "aio/event.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace etcdsync::aio {

/// All time comes from here, so that a test or a simulation can run hours in milliseconds.
class clock {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;
    /// When a handler is due, and a number that tells handlers due at one instant apart.
    using timer_id = std::pair<time_point, std::uint64_t>;
    using handler = std::function<void()>;

    virtual ~clock() = default;

    [[nodiscard]] virtual time_point now() const = 0;

    /// Time of day, for people and checkpoints only: no decision hangs on it.
    [[nodiscard]] virtual std::chrono::system_clock::time_point wall() const = 0;

    /// Calls `h` from the loop, once, at `when` or soon after.
    virtual timer_id schedule(time_point when, handler h) = 0;

    /// The handler will not be called. Harmless where it was already.
    virtual void cancel(const timer_id& id) = 0;
};

/// The machine's clock, on Asio's steady_timer: one timer for all handlers.
class system_clock final : public clock {
public:
    explicit system_clock(const asio::any_io_executor& executor);
    ~system_clock() override;

    [[nodiscard]] time_point now() const override;
    [[nodiscard]] std::chrono::system_clock::time_point wall() const override;
    timer_id schedule(time_point when, handler h) override;
    void cancel(const timer_id& id) override;

private:
    void arm();
    void run_due();

    asio::steady_timer timer_;
    std::map<timer_id, handler> waiting_;
    std::uint64_t next_ = 0;
};

/// A scheduled handler that is cancelled with its owner.
class alarm {
public:
    alarm(clock& c, clock::time_point when, clock::handler h) : clock_(&c), id_(c.schedule(when, std::move(h))) {}
    alarm(const alarm&) = delete;
    alarm& operator=(const alarm&) = delete;
    ~alarm() { clock_->cancel(id_); }

private:
    clock* clock_;
    clock::timer_id id_;
};

/// Waits for `e` until `when` at the latest. Look at the predicate and at clock::now() afterwards.
awaitable<> wait_until(event& e, clock& c, clock::time_point when);

/// Pauses this coroutine.
awaitable<> sleep(clock& c, clock::duration how_long);

}  // namespace etcdsync::aio
