// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/log_line.hpp"
#include "observe/progress.hpp"

#include <optional>
#include <string>

namespace etcdsync::observe {

enum class colour_mode { automatic, always, never };

/// What is behind an output, and what the environment says of it.
struct terminal {
    bool is_tty = false;
    bool is_journal = false;     ///< $JOURNAL_STREAM names this very file
    std::string term;            ///< $TERM
    std::string no_color;        ///< $NO_COLOR
    std::string clicolor_force;  ///< $CLICOLOR_FORCE
};

/// True where `journal_stream` ("device:inode", systemd.exec(5)) is the file behind `fd`.
[[nodiscard]] bool is_journal(int fd, const std::string& journal_stream);

/// The flag first, then NO_COLOR, then CLICOLOR_FORCE, then whether a terminal is there that knows colours.
[[nodiscard]] bool wants_colour(colour_mode asked, const terminal& behind);

/// `asked`: nothing means automatic, a person's text on a terminal, the journal's form in the journal, else logfmt.
[[nodiscard]] line_style choose_style(std::optional<log_format> asked, colour_mode colour, const terminal& behind);

/// Never automatic: a bar where a terminal can redraw it, else plain lines.
[[nodiscard]] progress_mode choose_progress(progress_mode asked, const terminal& behind);

}  // namespace etcdsync::observe
