// SPDX-License-Identifier: Apache-2.0
#include "app/daemon.hpp"

#include <csignal>
#include <cstdlib>
#include <random>

namespace etcdsync::app {
namespace {

using namespace std::chrono_literals;

constexpr aio::clock::duration stop_patience = 5s;

std::uint64_t entropy() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

std::string_view name_of(int number) { return number == SIGINT ? "SIGINT" : "SIGTERM"; }

}  // namespace

daemon::daemon(const config::config& settings, stderr_log& voice, observe::progress_mode progress)
    : voice_(voice), progress_mode_(progress), clock_(context_.get_executor()), dialer_(clock_), random_(entropy()),
      replicator_(settings, {.dialer = dialer_,
                             .clock = clock_,
                             .random = random_,
                             .log = voice.log,
                             .executor = context_.get_executor(),
                             .on_bug = [this](const std::string& what) { on_bug(what); }}),
      signals_(context_, SIGINT, SIGTERM, SIGHUP), changed_(context_.get_executor()),
      tasks_(context_.get_executor(),
             [this](const std::string& task, const std::exception_ptr& error) {
                 on_bug(task + ": " + aio::describe(error));
             }),
      supervisor_(context_.get_executor(), [this](const std::string& task, const std::exception_ptr& error) {
          on_bug(task + ": " + aio::describe(error));
          finished_ = true;
      }) {}

exit_code daemon::run() {
    supervisor_.spawn("supervise", supervise());
    tasks_.spawn("signals", watch_signals());
    if (progress_mode_ != observe::progress_mode::none) tasks_.spawn("progress", show_progress());
    replicator_.start();
    run_loop();
    voice_.console.clear_bar();
    return code_;
}

void daemon::run_loop() {
    try {
        while (!finished_) context_.run_one();
        context_.poll();
    } catch (const std::exception& e) {
        // Tasks stand where they stood: there is no way to unwind them in order any more.
        on_bug(e.what());
        leave_at_once(static_cast<int>(code_));
    }
    // A name look-up that hangs holds a thread of the system's resolver, and the context would wait for it when it is
    // destroyed. The same for what a bug left behind.
    if (!context_.stopped()) leave_at_once(static_cast<int>(code_));
}

aio::awaitable<> daemon::supervise() {
    while (!stopping_) co_await changed_.wait();
    co_await replicator_.stop(stop_patience);
    tasks_.cancel();
    co_await tasks_.join();
    finished_ = true;
}

aio::awaitable<> daemon::watch_signals() {
    for (;;) {
        const auto got = co_await signals_.async_wait(aio::as_result);
        if (std::get<0>(got)) co_return;
        on_signal(std::get<1>(got));
    }
}

void daemon::on_signal(int number) {
    if (number == SIGHUP) {
        voice_.log.warn("reload is not supported yet: restart to apply changes");
    } else if (stopping_) {
        leave_at_once(128 + number);
    } else {
        voice_.log.info("stopping", {{"signal", name_of(number)}});
        begin_to_stop();
    }
}

void daemon::on_bug(const std::string& what) {
    voice_.log.error("internal error, please report it", {{"what", what}});
    code_ = exit_code::internal_error;
    begin_to_stop();
}

void daemon::begin_to_stop() {
    stopping_ = true;
    changed_.notify();
}

void daemon::leave_at_once(int code) {
    voice_.console.clear_bar();
    voice_.sink.flush();
    std::_Exit(code);
}

aio::awaitable<> daemon::show_progress() {
    for (;;) {
        co_await aio::sleep(clock_, next_frame());
        draw();
    }
}

aio::clock::duration daemon::next_frame() const {
    if (progress_mode_ == observe::progress_mode::plain) return 10s;
    return bar_stands_ ? 200ms : 1000ms;
}

void daemon::draw() {
    const std::vector<observe::progress> all = progress_.update(replicator_.current(), clock_.now());
    bar_stands_ = progress_mode_ == observe::progress_mode::bar && !all.empty();
    if (progress_mode_ == observe::progress_mode::bar) {
        voice_.console.show_bar(bar_lines(all, voice_.console.width()));
        return;
    }
    for (const observe::progress& at : all) voice_.log.info(observe::plain_line(at));
}

}  // namespace etcdsync::app
