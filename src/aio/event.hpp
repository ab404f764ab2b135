// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"

#include <boost/asio/steady_timer.hpp>

namespace etcdsync::aio {

/// A condition variable for coroutines of one thread. A notification without waiters is lost: wait
/// in a loop on a predicate, without a co_await between checking the predicate and wait().
class event {
public:
    explicit event(const asio::any_io_executor& executor);
    ~event();

    /// Wakes all current waiters. They run in a later turn of the loop, never inside this call.
    void notify();

    /// Waits for notify(). Returns early if the task is canceled; then, in a task_group, the next
    /// co_await throws operation_aborted.
    awaitable<> wait();

private:
    // A timer that never expires is Asio's own idiom for this.
    asio::steady_timer timer_;
};

}  // namespace etcdsync::aio
