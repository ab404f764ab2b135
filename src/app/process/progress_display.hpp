// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "aio/task_group.hpp"
#include "app/render/progress_view.hpp"
#include "observe/console.hpp"
#include "observe/log.hpp"

#include <functional>
#include <vector>

namespace etcdsync::app {

/// Shows long work on stderr while it lasts: a bar, or a plain line every 10 s.
class progress_display {
public:
    /// What to show now; empty if nothing is in progress.
    using source = std::function<std::vector<observe::progress>()>;

    /// `mode` is bar, plain or none; plain lines go to `lines`.
    progress_display(observe::console& console, const observe::logger& lines, aio::clock& clock,
                     observe::progress_mode mode, source what);

    /// Draws until the tasks are canceled.
    void run_beside(aio::task_group& tasks);

private:
    aio::awaitable<> run();
    [[nodiscard]] aio::clock::duration next_frame() const;
    void draw();

    observe::console& console_;
    const observe::logger& lines_;
    aio::clock& clock_;
    observe::progress_mode mode_;
    source what_;
    bool bar_shown_ = false;
};

}  // namespace etcdsync::app
