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

/// The only source of time, so that a test or a simulation can run hours in milliseconds.
class clock {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;
    /// When a handler is due, and a number that distinguishes handlers due at the same time.
    using timer_id = std::pair<time_point, std::uint64_t>;
    using handler = std::function<void()>;

    virtual ~clock() = default;

    [[nodiscard]] virtual time_point now() const = 0;

    /// The time of day, only for people and checkpoints: no decision depends on it.
    [[nodiscard]] virtual std::chrono::system_clock::time_point wall() const = 0;

    /// Calls `h` once from the loop, at `when` or soon after.
    virtual timer_id schedule(time_point when, handler h) = 0;

    /// Cancels a handler. Does nothing if it was called already.
    virtual void cancel(const timer_id& id) = 0;
};

/// The system's clock. All handlers share one asio::steady_timer.
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

/// A scheduled handler that is canceled when this object is destroyed.
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

/// Waits for `e`, but not beyond `when`. Check the predicate and clock::now() afterwards.
awaitable<> wait_until(event& e, clock& c, clock::time_point when);

/// Suspends the calling coroutine for `duration`.
awaitable<> sleep(clock& c, clock::duration duration);

}  // namespace etcdsync::aio
