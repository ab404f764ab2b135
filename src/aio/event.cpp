// SPDX-License-Identifier: Apache-2.0
#include "aio/event.hpp"

namespace etcdsync::aio {

event::event(const asio::any_io_executor& executor) : timer_(executor, asio::steady_timer::time_point::max()) {}

event::~event() = default;

void event::notify() { timer_.cancel(); }

awaitable<> event::wait() { co_await timer_.async_wait(as_result); }

}  // namespace etcdsync::aio
