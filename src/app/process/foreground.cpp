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

std::string_view name_of(int number) {
    switch (number) {
        case SIGINT: return "SIGINT";
        case SIGHUP: return "SIGHUP";
        default: return "SIGTERM";
    }
}

}  // namespace

foreground::foreground(stderr_log& voice)
    : voice_(voice), clock_(context_.get_executor()), dialer_(clock_), random_(entropy()),
      signals_(context_, SIGINT, SIGTERM, SIGHUP), changed_(context_.get_executor()),
      tasks_(context_.get_executor(),
             [this](const std::string& task, const std::exception_ptr& error) {
                 on_bug(task + ": " + aio::describe(error));
             }),
      supervisor_(context_.get_executor(), [this](const std::string& task, const std::exception_ptr& error) {
          on_bug(task + ": " + aio::describe(error));
          finished_ = true;
      }) {
    std::signal(SIGPIPE, SIG_IGN);  // the write reports a peer or a reader of our output that is gone
}

replication::environment foreground::environment() {
    return {.dialer = dialer_,
            .clock = clock_,
            .random = random_,
            .log = voice_.log,
            .executor = context_.get_executor(),
            .on_bug = [this](const std::string& what) { on_bug(what); }};
}

exit_code foreground::run(aio::awaitable<exit_code> work) {
    supervisor_.spawn("work", supervise(std::move(work)));
    tasks_.spawn("signals", watch_signals());
    run_loop();
    voice_.console.clear_bar();
    return result();
}

exit_code foreground::result() const { return bug_ ? exit_code::internal_error : code_; }

void foreground::run_loop() {
    try {
        while (!finished_) context_.run_one();
        context_.poll();
    } catch (const std::exception& e) {
        // Tasks stand where they stood: there is no way to unwind them in order any more.
        on_bug(e.what());
        leave_at_once(static_cast<int>(result()));
    }
    // What a bug left behind. A thread with a name look-up that hangs is not waited for.
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
        const auto got = co_await signals_.async_wait(aio::as_result);
        if (std::get<0>(got)) co_return;
        on_signal(std::get<1>(got));
    }
}

void foreground::on_signal(int number) {
    if (number == SIGHUP && on_hangup_) {
        on_hangup_();
    } else if (stopping_) {
        leave_at_once(128 + number);
    } else {
        voice_.log.info("stopping", {{"signal", name_of(number)}});
        signal_ = number;
        begin_to_stop();
    }
}

void foreground::on_bug(const std::string& what) {
    voice_.log.error("internal error, please report it", {{"what", what}});
    bug_ = true;
    begin_to_stop();
}

void foreground::begin_to_stop() {
    stopping_ = true;
    changed_.notify();
}

void foreground::leave_at_once(int code) {
    voice_.console.clear_bar();
    voice_.sink.flush();
    std::_Exit(code);
}

}  // namespace etcdsync::app
