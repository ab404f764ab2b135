// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "aio/event.hpp"
#include "aio/task_group.hpp"
#include "app/exit_code.hpp"
#include "app/progress_view.hpp"
#include "app/stderr_log.hpp"
#include "base/random.hpp"
#include "config/config.hpp"
#include "net/tcp.hpp"
#include "replication/replicator.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <string>

namespace etcdsync::app {

/// A replicator with the real world around it: sockets, time, entropy, signals, and a person who looks on.
class daemon {
public:
    /// `progress` is bar, plain or none.
    daemon(const config::config& settings, stderr_log& voice, observe::progress_mode progress);

    /// Until SIGTERM or SIGINT; a second one ends the process on the spot.
    [[nodiscard]] exit_code run();

private:
    aio::awaitable<> watch_signals();
    aio::awaitable<> show_progress();
    aio::awaitable<> supervise();

    void on_signal(int number);
    void on_bug(const std::string& what);
    void begin_to_stop();
    void draw();
    [[nodiscard]] aio::clock::duration next_frame() const;
    void run_loop();
    [[noreturn]] void leave_at_once(int code);

    stderr_log& voice_;
    observe::progress_mode progress_mode_;
    aio::asio::io_context context_{1};
    aio::system_clock clock_;
    net::tcp_dialer dialer_;
    base::random_source random_;
    replication::replicator replicator_;
    progress_view progress_;
    bool bar_stands_ = false;
    aio::asio::signal_set signals_;
    aio::event changed_;
    bool stopping_ = false;
    bool finished_ = false;
    exit_code code_ = exit_code::ok;
    aio::task_group tasks_;
    aio::task_group supervisor_;  ///< ends the others
};

}  // namespace etcdsync::app
