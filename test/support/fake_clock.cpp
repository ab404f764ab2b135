// SPDX-License-Identifier: Apache-2.0
#include "support/fake_clock.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

namespace etcdsync::test {

std::chrono::system_clock::time_point fake_clock::wall() const {
    constexpr std::chrono::seconds some_day{1'700'000'000};
    return std::chrono::system_clock::time_point(some_day) +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(now_.time_since_epoch());
}

aio::clock::timer_id fake_clock::schedule(time_point when, handler h) {
    const timer_id id{when, next_number_++};
    waiting_.emplace(id, std::move(h));
    return id;
}

void fake_clock::advance(duration step) {
    const time_point until = now_ + step;
    io_->restart();
    io_->poll();
    while (!waiting_.empty() && waiting_.begin()->first.first <= until) {
        const timer_id due = waiting_.begin()->first;
        now_ = std::max(now_, due.first);
        // Looked up when it runs, because an earlier handler may cancel it.
        asio::post(*io_, [this, due] {
            auto found = waiting_.extract(due);
            if (found) found.mapped()();
        });
        io_->restart();
        io_->poll();
    }
    now_ = until;
}

std::optional<aio::clock::time_point> fake_clock::next() const {
    if (waiting_.empty()) return std::nullopt;
    return waiting_.begin()->first.first;
}

test_loop::test_loop()
    : tasks(io.get_executor(), [](const std::string& task, const std::exception_ptr& error) {
          FAIL_CHECK("task \"" << task << "\" failed: " << aio::describe(error));
      }) {}

test_loop::~test_loop() {
    tasks.cancel();
    settle();
    CHECK_MESSAGE(tasks.empty(), "some tasks did not end when they were canceled");
    CHECK_MESSAGE(io.stopped(), "the loop still has work");
    CHECK_MESSAGE(clock.pending() == 0, "the clock still has handlers");
}

void test_loop::settle() {
    io.restart();
    io.poll();
}

void test_loop::finish(aio::awaitable<> body, aio::clock::duration patience) {
    bool over = false;
    std::exception_ptr thrown;
    asio::cancellation_signal stop;
    auto done = [&over, &thrown](const std::exception_ptr& error) {
        over = true;
        thrown = error;
    };
    asio::co_spawn(io, std::move(body), asio::bind_cancellation_slot(stop.slot(), done));
    settle();
    const auto until = clock.now() + patience;
    while (!over && clock.next() && *clock.next() <= until) clock.advance(*clock.next() - clock.now());
    if (!over) {
        stop.emit(asio::cancellation_type::terminal);
        settle();
        REQUIRE_MESSAGE(over, "a coroutine hangs and does not end when it is canceled");
        FAIL("a coroutine hangs");
    }
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace etcdsync::test
