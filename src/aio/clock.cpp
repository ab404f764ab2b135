// SPDX-License-Identifier: Apache-2.0
#include "aio/clock.hpp"

namespace etcdsync::aio {

system_clock::system_clock(const asio::any_io_executor& executor) : timer_(executor) {}

system_clock::~system_clock() = default;

clock::time_point system_clock::now() const { return std::chrono::steady_clock::now(); }

std::chrono::system_clock::time_point system_clock::wall() const { return std::chrono::system_clock::now(); }

clock::timer_id system_clock::schedule(time_point when, handler h) {
    const timer_id id{when, next_++};
    const auto added = waiting_.emplace(id, std::move(h)).first;
    if (added == waiting_.begin()) arm();
    return id;
}

void system_clock::cancel(const timer_id& id) {
    waiting_.erase(id);
    if (waiting_.empty()) timer_.cancel();  // so that the loop can end when nothing else is left
}

void system_clock::arm() {
    timer_.expires_at(waiting_.begin()->first.first);
    timer_.async_wait([this](const boost::system::error_code& ec) {
        if (!ec) run_due();
    });
}

void system_clock::run_due() {
    const time_point limit = now();
    while (!waiting_.empty() && waiting_.begin()->first.first <= limit) {
        auto due = waiting_.extract(waiting_.begin());
        due.mapped()();
    }
    if (!waiting_.empty()) arm();
}

awaitable<> wait_until(event& e, clock& c, clock::time_point when) {
    const alarm wake(c, when, [&e] { e.notify(); });
    co_await e.wait();
}

awaitable<> sleep(clock& c, clock::duration duration) {
    const auto executor = co_await asio::this_coro::executor;
    event over(executor);
    const clock::time_point until = c.now() + duration;
    while (c.now() < until) co_await wait_until(over, c, until);
}

}  // namespace etcdsync::aio
