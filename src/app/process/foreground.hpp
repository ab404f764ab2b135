// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "aio/event.hpp"
#include "aio/task_group.hpp"
#include "app/cli/exit_code.hpp"
#include "app/process/stderr_log.hpp"
#include "base/random.hpp"
#include "net/socket_dialer.hpp"
#include "replication/setup/replicator.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>
#include <string>

namespace etcdsync::app {

/// How long a Txn in flight may take to its end once the command is asked to stop.
inline constexpr std::chrono::seconds stop_patience{5};

/// The real world around a command that works with etcds: a loop, sockets, time, entropy, signals.
class foreground {
public:
    explicit foreground(stderr_log& voice);

    /// SIGHUP calls `listener` from now on. Without one it asks to stop, as SIGTERM does.
    void on_hangup(std::function<void()> listener) { on_hangup_ = std::move(listener); }

    /// What a replicator needs; holds as long as this.
    [[nodiscard]] replication::environment environment();
    [[nodiscard]] aio::clock& clock() { return clock_; }

    /// Tasks beside the work; they are cancelled when it is done.
    [[nodiscard]] aio::task_group& tasks() { return tasks_; }

    /// Runs `work` to its end and gives its code. SIGTERM, SIGINT or a bug ask it to stop; a second signal ends the process
    /// on the spot. `work` prints its own results: this may not return.
    [[nodiscard]] exit_code run(aio::awaitable<exit_code> work);

    [[nodiscard]] bool stop_asked() const { return stopping_; }
    /// Notified then. Tasks of the work may notify it, too.
    [[nodiscard]] aio::event& changed() { return changed_; }
    /// What a command returns that was stopped before its work was done.
    [[nodiscard]] exit_code interrupted() const { return static_cast<exit_code>(128 + signal_); }

private:
    aio::awaitable<> supervise(aio::awaitable<exit_code> work);
    aio::awaitable<> watch_signals();

    void on_signal(int number);
    void on_bug(const std::string& what);
    void begin_to_stop();
    void run_loop();
    [[nodiscard]] exit_code result() const;
    [[noreturn]] void leave_at_once(int code);

    stderr_log& voice_;
    aio::asio::io_context context_{1};
    aio::system_clock clock_;
    net::socket_dialer dialer_;
    base::random_streams random_;
    aio::asio::signal_set signals_;
    aio::event changed_;
    std::function<void()> on_hangup_;
    int signal_ = 0;
    bool stopping_ = false;
    bool finished_ = false;
    bool bug_ = false;
    exit_code code_ = exit_code::ok;
    aio::task_group tasks_;
    aio::task_group supervisor_;  ///< ends the others
};

}  // namespace etcdsync::app
