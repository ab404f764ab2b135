// SPDX-License-Identifier: Apache-2.0
#include "observe/terminal.hpp"

#include <sys/stat.h>

namespace etcdsync::observe {

bool is_journal(int fd, const std::string& journal_stream) {
    struct stat file {};
    if (journal_stream.empty() || ::fstat(fd, &file) != 0) return false;
    return journal_stream == fmt::format("{}:{}", file.st_dev, file.st_ino);
}

bool wants_color(color_mode requested, const terminal& output) {
    if (requested != color_mode::automatic) return requested == color_mode::always;
    if (!output.no_color.empty()) return false;
    if (!output.clicolor_force.empty() && output.clicolor_force != "0") return true;
    return output.is_tty && output.term != "dumb";
}

line_style choose_style(std::optional<log_format> requested, color_mode color, const terminal& output) {
    line_style style{.format = requested.value_or(log_format::logfmt), .color = wants_color(color, output)};
    if (!requested && output.is_tty) style.format = log_format::text;
    if (!requested && !output.is_tty && output.is_journal) style.format = log_format::journald;
    return style;
}

progress_mode choose_progress(progress_mode requested, const terminal& output) {
    if (requested != progress_mode::automatic) return requested;
    return output.is_tty && output.term != "dumb" ? progress_mode::bar : progress_mode::plain;
}

}  // namespace etcdsync::observe
