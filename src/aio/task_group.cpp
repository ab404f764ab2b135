// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/assert.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

namespace etcdsync::aio {
namespace {

bool is_cancellation(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        return e.code() == asio::error::operation_aborted;
    } catch (const std::exception&) {
        return false;
    }
}

/// Starts `body` in a later turn of the loop. co_spawn alone starts it inside the call if it is
/// called from the loop, which would re-enter the caller.
awaitable<> start_later(awaitable<> body) {
    co_await asio::post(asio::use_awaitable);
    co_await std::move(body);
}

}  // namespace

std::string describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    }
}

task_group::task_group(asio::any_io_executor executor, failure_handler on_failure)
    : executor_(std::move(executor)), on_failure_(std::move(on_failure)), changed_(executor_) {}

task_group::~task_group() { BOOST_ASSERT_MSG(tasks_.empty(), "a task group was destroyed before its tasks ended"); }

void task_group::spawn(std::string name, awaitable<> body) {
    if (cancelled_) return;
    const auto added = tasks_.emplace(tasks_.end());
    added->name = std::move(name);
    auto done = [this, added](const std::exception_ptr& error) { finished(added, error); };
    asio::co_spawn(executor_, start_later(std::move(body)),
                   asio::bind_cancellation_slot(added->stop.slot(), std::move(done)));
}

void task_group::cancel() {
    cancelled_ = true;
    // Signals may only be emitted inside the loop: outside of it Asio 1.26 delivers them in a later
    // turn, to coroutines that may have ended by then (use after free, reproduced). This object may
    // have been destroyed by then, too.
    asio::dispatch(executor_, [this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.lock()) emit_to_all();
    });
}

void task_group::emit_to_all() {
    // Emitting may end other tasks, but they are removed from the list in a later turn.
    auto left = tasks_.size();
    for (auto it = tasks_.begin(); left > 0; --left) {
        const auto next = std::next(it);
        it->stop.emit(asio::cancellation_type::terminal);
        it = next;
    }
}

awaitable<> task_group::join() {
    while (!tasks_.empty()) co_await changed_.wait();
}

void task_group::finished(std::list<task>::iterator which, const std::exception_ptr& error) {
    if (error && !is_cancellation(error)) on_failure_(which->name, error);
    // The signal is still in use further up this call stack: destroy it in a later turn.
    asio::post(executor_, [this, which] {
        tasks_.erase(which);
        changed_.notify();
    });
}

}  // namespace etcdsync::aio
