// SPDX-License-Identifier: Apache-2.0
#include "app/process/progress_display.hpp"

#include <utility>

namespace etcdsync::app {

using namespace std::chrono_literals;

progress_display::progress_display(observe::console& console, const observe::logger& lines, aio::clock& clock,
                                   observe::progress_mode mode, source what)
    : console_(console), lines_(lines), clock_(clock), mode_(mode), what_(std::move(what)) {}

void progress_display::run_beside(aio::task_group& tasks) {
    if (mode_ != observe::progress_mode::none) tasks.spawn("progress", run());
}

aio::awaitable<> progress_display::run() {
    for (;;) {
        co_await aio::sleep(clock_, next_frame());
        draw();
    }
}

aio::clock::duration progress_display::next_frame() const {
    if (mode_ == observe::progress_mode::plain) return 10s;
    return bar_shown_ ? 200ms : 1000ms;
}

void progress_display::draw() {
    const std::vector<observe::progress> all = what_();
    bar_shown_ = mode_ == observe::progress_mode::bar && !all.empty();
    if (mode_ == observe::progress_mode::bar) {
        console_.show_bar(bar_lines(all, console_.width()));
        return;
    }
    for (const observe::progress& at : all) lines_.info(observe::plain_line(at));
}

}  // namespace etcdsync::app
