// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/event.hpp"
#include "app/cli/exit_code.hpp"
#include "observe/log.hpp"

#include <functional>

namespace etcdsync::app {

/// The requests that signals make: to stop, or (SIGHUP) to reload. app/process calls stop() and hang_up(); the daemon and the commands
/// use the rest.
class signals {
public:
    /// `log` must outlive this object.
    signals(const aio::asio::any_io_executor& executor, const observe::logger& log) : changed_(executor), log_(log) {}

    /// Requests a stop because of this signal, which is logged and determines the exit code.
    void stop(int number);
    /// Requests a stop because of a bug, which has been logged.
    void stop();
    /// SIGHUP: calls the listener, or requests a stop if there is none.
    void hang_up();
    void on_hang_up(std::function<void()> listener) { on_hang_up_ = std::move(listener); }
    [[nodiscard]] bool handles_hang_up() const { return on_hang_up_ != nullptr; }

    [[nodiscard]] bool stop_requested() const { return stopping_; }
    /// Notified by stop(). The tasks of a command may notify it too.
    [[nodiscard]] aio::event& changed() { return changed_; }
    /// The exit code of a command that was stopped before its work was done.
    [[nodiscard]] exit_code interrupted() const { return static_cast<exit_code>(128 + number_); }

private:
    aio::event changed_;
    const observe::logger& log_;
    std::function<void()> on_hang_up_;
    int number_ = 0;
    bool stopping_ = false;
};

}  // namespace etcdsync::app
