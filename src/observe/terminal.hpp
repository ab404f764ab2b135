// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/log_line.hpp"
#include "observe/progress.hpp"

#include <optional>
#include <string>

namespace etcdsync::observe {

enum class color_mode { automatic, always, never };

/// The device behind an output, and the environment variables that concern it.
struct terminal {
    bool is_tty = false;
    bool is_journal = false;     ///< $JOURNAL_STREAM names the same file
    std::string term;            ///< $TERM
    std::string no_color;        ///< $NO_COLOR
    std::string clicolor_force;  ///< $CLICOLOR_FORCE
};

/// True if `journal_stream` ("device:inode", systemd.exec(5)) names the file behind `fd`.
[[nodiscard]] bool is_journal(int fd, const std::string& journal_stream);

/// The flag decides, then NO_COLOR, then CLICOLOR_FORCE, then whether the output is a terminal that
/// supports color.
[[nodiscard]] bool wants_color(color_mode requested, const terminal& output);

/// No `requested` format means automatic: text on a terminal, journald in the journal, logfmt
/// otherwise.
[[nodiscard]] line_style choose_style(std::optional<log_format> requested, color_mode color, const terminal& output);

/// Resolves `automatic`: a bar if the terminal can redraw it, else plain lines.
[[nodiscard]] progress_mode choose_progress(progress_mode requested, const terminal& output);

}  // namespace etcdsync::observe
