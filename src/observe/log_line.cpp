// SPDX-License-Identifier: Apache-2.0
#include "observe/log_line.hpp"

#include "base/escape.hpp"
#include "base/text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::observe {
namespace {

using time_point = std::chrono::system_clock::time_point;

/// A backslash alone is left as it is, so that text from base::printable is not escaped twice.
std::string visible(std::string_view text) {
    return base::is_printable_utf8(text) ? std::string(text) : base::printable(text, text.size());
}

/// The form that JSON and quoted logfmt share; `text` must not hold control characters.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out += '"';
}

std::string logfmt_value(std::string_view raw) {
    std::string text = visible(raw);
    const bool bare = !text.empty() && text.find_first_of(" =\"") == std::string::npos;
    return bare ? text : quoted(text);
}

std::string json_string(std::string_view raw) { return quoted(visible(raw)); }

/// RFC 3339 with milliseconds, so that sorting keeps the order of lines of one second.
std::string precise_time(time_point time) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(time - whole).count();
    std::string text = base::format_time(whole);
    text.pop_back();
    return fmt::format("{}.{:03}Z", text, ms);
}

std::string local_time(time_point time) {
    return fmt::format("{:%H:%M:%S}", fmt::localtime(std::chrono::system_clock::to_time_t(time)));
}

std::string_view color_of(log_level level) {
    switch (level) {
        case log_level::trace:
        case log_level::debug: return "2";  // faint
        case log_level::info: return "32";  // green
        case log_level::warn: return "33";  // yellow
        case log_level::error: return "31";
    }
    return "0";
}

std::string painted(bool color, std::string_view code, std::string_view text) {
    return color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string text_line(bool color, time_point time, log_level level, std::string_view message,
                      std::span<const log_field> fields) {
    std::string name(to_string(level));
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    const std::string padding(5 - std::min<std::size_t>(name.size(), 5), ' ');
    std::string out = fmt::format("{} {}{} {}", painted(color, "2", local_time(time)),
                                  painted(color, color_of(level), name), padding, visible(message));
    for (const log_field& field : fields) {
        out.append(" ").append(painted(color, "2", field.name + "=")).append(logfmt_value(field.value));
    }
    return out;
}

std::string logfmt_line(log_level level, std::string_view message, std::span<const log_field> fields) {
    std::string out = fmt::format("level={} msg={}", to_string(level), logfmt_value(message));
    for (const log_field& field : fields) out += fmt::format(" {}={}", field.name, logfmt_value(field.value));
    return out;
}

std::string json_line(time_point time, log_level level, std::string_view message, std::span<const log_field> fields) {
    std::string out = fmt::format(R"({{"time":"{}","level":"{}","msg":{})", precise_time(time), to_string(level),
                                  json_string(message));
    for (const log_field& field : fields) {
        const std::string value = field.is_literal ? field.value : json_string(field.value);
        out += fmt::format(",{}:{}", json_string(field.name), value);
    }
    return out += "}";
}

/// The priorities of syslog(3), which the journal reads from the start of a line (sd-daemon(3)).
int priority_of(log_level level) {
    switch (level) {
        case log_level::trace:
        case log_level::debug: return 7;
        case log_level::info: return 6;
        case log_level::warn: return 4;
        case log_level::error: return 3;
    }
    return 6;
}

std::string render(const line_style& style, time_point time, log_level level, std::string_view message,
                   std::span<const log_field> fields) {
    switch (style.format) {
        case log_format::text: return text_line(style.color, time, level, message, fields);
        case log_format::logfmt:
            return fmt::format("time={} {}", precise_time(time), logfmt_line(level, message, fields));
        case log_format::journald:
            return fmt::format("<{}>{}", priority_of(level), logfmt_line(level, message, fields));
        case log_format::json: return json_line(time, level, message, fields);
    }
    return {};
}

}  // namespace

std::string_view to_string(log_level level) {
    switch (level) {
        case log_level::trace: return "trace";
        case log_level::debug: return "debug";
        case log_level::info: return "info";
        case log_level::warn: return "warn";
        case log_level::error: return "error";
    }
    return "";
}

std::string render_line(const line_style& style, std::chrono::system_clock::time_point time, log_level level,
                        std::string_view message, std::span<const log_field> fields) {
    return render(style, time, level, message, fields) + "\n";
}

}  // namespace etcdsync::observe
