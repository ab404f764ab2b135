// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/log.hpp"

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace etcdsync::observe {

enum class log_format {
    text,      ///< 12:34:56 INFO  message slave=edge-1 revision=42: local time, for people
    logfmt,    ///< time=... level=info msg="..." slave=edge-1 revision=42
    journald,  ///< <6>level=info msg="..." ...: logfmt with the priority, without the time
    json,      ///< {"time":"...","level":"info","msg":"...","slave":"edge-1","revision":42}
};

struct line_style {
    log_format format = log_format::text;
    bool color = false;  ///< in `text` only
};

/// "trace" .. "error".
[[nodiscard]] std::string_view to_string(log_level level);

/// One line, line end included. In every format, bytes that are not printable UTF-8 are written as
/// \xNN: no message or value can add a line or send an escape sequence to a terminal.
[[nodiscard]] std::string render_line(const line_style& style, std::chrono::system_clock::time_point time,
                                      log_level level, std::string_view message, std::span<const log_field> fields);

}  // namespace etcdsync::observe
