// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"

#include <boost/asio/steady_timer.hpp>

namespace etcdsync::aio {

/// A condition variable for coroutines of one thread. It remembers nothing: wait in a loop on a predicate, and let
/// no co_await come between the look at the predicate and wait().
class event {
public:
    explicit event(const asio::any_io_executor& executor);
    ~event();

    /// Wakes all who wait now. They run in a later turn of the loop, never inside this call.
    void notify();

    /// Returns after notify() and where the task was cancelled, early: of a task in a task_group the next co_await then throws
    /// operation_aborted.
    awaitable<> wait();

private:
    // A timer that never expires is Asio's own idiom for this; no clock is read.
    asio::steady_timer timer_;
};

}  // namespace etcdsync::aio
