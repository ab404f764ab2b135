// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "aio/task_group.hpp"
#include "app/cli/exit_code.hpp"
#include "app/daemon/environment.hpp"
#include "app/process/stderr_log.hpp"
#include "app/process/system_processes.hpp"
#include "base/random.hpp"
#include "net/socket_dialer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <string>

namespace etcdsync::app {

/// Runs a command that connects to etcds: provides its event loop, sockets, clock, entropy and signals.
class foreground {
public:
    foreground(stderr_log& log, const base::file_reader& files);

    /// Valid as long as this object.
    [[nodiscard]] app::environment environment();

    /// Tasks that run beside the work and are canceled when it is done.
    [[nodiscard]] aio::task_group& tasks() { return tasks_; }

    /// Runs `work` to its end and returns its exit code. SIGTERM, SIGINT or a bug request a stop; a second signal ends the process
    /// immediately, so this may not return: `work` must write its results itself.
    [[nodiscard]] exit_code run(aio::awaitable<exit_code> work);

private:
    aio::awaitable<> supervise(aio::awaitable<exit_code> work);
    aio::awaitable<> watch_signals();

    void on_signal(int number);
    void on_bug(const std::string& what);
    void run_loop();
    [[nodiscard]] exit_code result() const;
    [[noreturn]] void leave_at_once(int code);

    stderr_log& log_;
    const base::file_reader& files_;
    aio::asio::io_context context_{1};
    aio::system_clock clock_;
    net::socket_dialer dialer_;
    base::random_streams random_;
    system_processes processes_;
    aio::asio::signal_set numbers_;
    signals signals_;
    bool finished_ = false;
    bool bug_ = false;
    exit_code code_ = exit_code::ok;
    aio::task_group tasks_;
    aio::task_group supervisor_;  ///< ends the others
};

}  // namespace etcdsync::app
