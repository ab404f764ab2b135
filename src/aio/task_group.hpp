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

/// Owns the coroutines of one object. Whoever owns the group outlives its tasks: cancel(), then join().
class task_group {
public:
    /// Told when a task ends by an exception that is not its cancellation: a bug of ours.
    using failure_handler = std::function<void(const std::string& task, const std::exception_ptr&)>;

    task_group(asio::any_io_executor executor, failure_handler on_failure);
    task_group(const task_group&) = delete;
    ~task_group();

    /// Starts `task` in a later turn of the loop; after cancel() it is dropped.
    void spawn(std::string name, awaitable<> task);

    /// Ends every task at its current or next co_await (terminal cancellation).
    void cancel();

    /// Until no task is left.
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
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< for what is called back in a later turn
};

/// What an exception says.
[[nodiscard]] std::string describe(const std::exception_ptr& error);

}  // namespace etcdsync::aio
