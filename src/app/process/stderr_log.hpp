// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/console.hpp"
#include "observe/log.hpp"
#include "observe/stream_sink.hpp"

#include <chrono>
#include <unistd.h>

namespace etcdsync::app {

/// Log lines on stderr, and the progress bar below them.
struct stderr_log {
    stderr_log(observe::line_style style, observe::log_level lowest)
        : console(STDERR_FILENO), sink(console, style, &std::chrono::system_clock::now), log(sink, lowest) {}

    observe::console console;
    observe::stream_sink sink;
    observe::logger log;
};

}  // namespace etcdsync::app
