// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"
#include "aio/event.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace etcdsync::aio {

/// Owns the coroutines of one object. The owner must outlive the tasks: call cancel(), then join().
class task_group {
public:
    /// Called when a task ends with an exception other than its cancellation, which is a bug.
    using failure_handler = std::function<void(const std::string& task, const std::exception_ptr&)>;

    task_group(asio::any_io_executor executor, failure_handler on_failure);
    task_group(const task_group&) = delete;
    ~task_group();

    /// Starts `task` in a later turn of the loop. After cancel() the task is dropped instead.
    void spawn(std::string name, awaitable<> task);

    /// Ends every task at its current or next co_await (terminal cancellation).
    void cancel();

    /// Waits until no task is left.
    awaitable<> join();

    [[nodiscard]] bool empty() const { return tasks_.empty(); }
    [[nodiscard]] const asio::any_io_executor& executor() const { return executor_; }

private:
    struct task {
        std::string name;
        asio::cancellation_signal stop;
    };

    void finished(std::list<task>::iterator which, const std::exception_ptr& error);
    void emit_to_all();

    asio::any_io_executor executor_;
    failure_handler on_failure_;
    std::list<task> tasks_;
    bool cancelled_ = false;
    event changed_;
    std::shared_ptr<int> alive_ =
        std::make_shared<int>(0);  ///< expires with this object, for callbacks in a later turn
};

/// The text of an exception.
[[nodiscard]] std::string describe(const std::exception_ptr& error);

}  // namespace etcdsync::aio
