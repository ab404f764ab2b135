// SPDX-License-Identifier: Apache-2.0
#include "app/process/foreground.hpp"

#include <csignal>
#include <cstdlib>
#include <random>
#include <utility>

namespace etcdsync::app {
namespace {

std::uint64_t entropy() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

foreground::foreground(stderr_log& log, const base::file_reader& files)
    : log_(log), files_(files), clock_(context_.get_executor()), dialer_(clock_), random_(entropy()),
      numbers_(context_.get_executor(), SIGINT, SIGTERM, SIGHUP), signals_(context_.get_executor(), log.log),
      tasks_(context_.get_executor(),
             [this](const std::string& task, const std::exception_ptr& error) {
                 on_bug(task + ": " + aio::describe(error));
             }),
      supervisor_(context_.get_executor(), [this](const std::string& task, const std::exception_ptr& error) {
          on_bug(task + ": " + aio::describe(error));
          finished_ = true;
      }) {
    std::signal(SIGPIPE, SIG_IGN);  // the write reports a peer, or a reader of our output, that went away
}

app::environment foreground::environment() {
    return {.executor = context_.get_executor(),
            .clock = clock_,
            .dialer = dialer_,
            .files = files_,
            .random = random_,
            .log = log_.log,
            .signals = signals_,
            .on_bug = [this](const std::string& what) { on_bug(what); },
            .processes = &processes_};
}

exit_code foreground::run(aio::awaitable<exit_code> work) {
    supervisor_.spawn("work", supervise(std::move(work)));
    tasks_.spawn("signals", watch_signals());
    run_loop();
    log_.console.clear_bar();
    return result();
}

exit_code foreground::result() const { return bug_ ? exit_code::internal_error : code_; }

void foreground::run_loop() {
    try {
        while (!finished_) context_.run_one();
        context_.poll();
    } catch (const std::exception& e) {
        // The tasks cannot be unwound in order any more.
        on_bug(e.what());
        leave_at_once(static_cast<int>(result()));
    }
    // A bug left tasks behind. A thread whose name lookup hangs is not waited for.
    if (!context_.stopped()) leave_at_once(static_cast<int>(result()));
}

aio::awaitable<> foreground::supervise(aio::awaitable<exit_code> work) {
    code_ = co_await std::move(work);
    tasks_.cancel();
    co_await tasks_.join();
    finished_ = true;
}

aio::awaitable<> foreground::watch_signals() {
    for (;;) {
        const auto got = co_await numbers_.async_wait(aio::as_result);
        if (std::get<0>(got)) co_return;
        on_signal(std::get<1>(got));
    }
}

void foreground::on_signal(int number) {
    if (number == SIGHUP && signals_.handles_hang_up()) {
        signals_.hang_up();
    } else if (signals_.stop_requested()) {
        leave_at_once(128 + number);
    } else {
        signals_.stop(number);
    }
}

void foreground::on_bug(const std::string& what) {
    log_.log.error("internal error, please report it", {{"what", what}});
    bug_ = true;
    signals_.stop();
}

void foreground::leave_at_once(int code) {
    log_.console.clear_bar();
    log_.sink.flush();
    std::_Exit(code);
}

}  // namespace etcdsync::app
