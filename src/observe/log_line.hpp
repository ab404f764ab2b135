// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/log.hpp"

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace etcdsync::observe {

enum class log_format {
    text,      ///< 12:34:56 INFO  message key=value, local time, for a person who looks on
    logfmt,    ///< ts=... level=info msg="..." key=value
    journald,  ///< <6>level=info msg="..." key=value: the journal has the time, and reads the priority
    json,      ///< {"time":"...","level":"info","message":"...","fields":{"key":"value"}}
};

struct line_style {
    log_format format = log_format::text;
    bool colour = false;  ///< of text only
};

/// "trace" .. "error".
[[nodiscard]] std::string_view to_string(log_level level);

/// One line with its line end. Whatever the message and the values hold, it stays one line, and no escape sequence of
/// theirs reaches a terminal: what is not printable UTF-8 is written as \xNN, in every format.
[[nodiscard]] std::string render_line(const line_style& style, std::chrono::system_clock::time_point time,
                                      log_level level, std::string_view message, std::span<const log_field> fields);

}  // namespace etcdsync::observe
