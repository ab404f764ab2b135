// SPDX-License-Identifier: Apache-2.0
#include "observe/terminal.hpp"

#include <sys/stat.h>

namespace etcdsync::observe {

bool is_journal(int fd, const std::string& journal_stream) {
    struct stat file {};
    if (journal_stream.empty() || ::fstat(fd, &file) != 0) return false;
    return journal_stream == fmt::format("{}:{}", file.st_dev, file.st_ino);
}

bool wants_colour(colour_mode asked, const terminal& behind) {
    if (asked != colour_mode::automatic) return asked == colour_mode::always;
    if (!behind.no_color.empty()) return false;
    if (!behind.clicolor_force.empty() && behind.clicolor_force != "0") return true;
    return behind.is_tty && behind.term != "dumb";
}

line_style choose_style(std::optional<log_format> asked, colour_mode colour, const terminal& behind) {
    line_style style{.format = asked.value_or(log_format::logfmt), .colour = wants_colour(colour, behind)};
    if (!asked && behind.is_tty) style.format = log_format::text;
    if (!asked && !behind.is_tty && behind.is_journal) style.format = log_format::journald;
    return style;
}

progress_mode choose_progress(progress_mode asked, const terminal& behind) {
    if (asked != progress_mode::automatic) return asked;
    return behind.is_tty && behind.term != "dumb" ? progress_mode::bar : progress_mode::plain;
}

}  // namespace etcdsync::observe
