// SPDX-License-Identifier: Apache-2.0
#include "config/toml/render.hpp"

#include "base/escape.hpp"
#include "config/toml/secret_mask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace etcdsync::config {
namespace {

constexpr std::size_t tab_width = 4;

/// A source line as it is displayed, and the display columns of its code points.
struct shown_line {
    std::string text;
    std::vector<std::size_t> offsets;  ///< offsets[i]: display column of code point i; the last one: the end
};

/// The lines of the file without their line ends.
std::vector<std::string_view> lines_of(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // toml++ does not count a byte order mark
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back(line);
    }
    return lines;
}

/// The bytes of the code point at the start of `text`, which need not be valid UTF-8.
std::string_view code_point(std::string_view text) {
    std::size_t length = 1;
    while (length < text.size() && length < 4 && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80) ++length;
    return text.substr(0, length);
}

shown_line show(std::string_view line) {
    shown_line shown;
    std::size_t width = 0;
    while (!line.empty()) {
        const std::string_view point = code_point(line);
        line.remove_prefix(point.size());
        shown.offsets.push_back(width);
        if (point == "\t") {
            shown.text.append(tab_width, ' ');
            width += tab_width;
        } else if (base::is_printable_utf8(point)) {
            shown.text += point;
            ++width;
        } else {
            const std::string escaped = base::printable(point);
            shown.text += escaped;
            width += escaped.size();
        }
    }
    shown.offsets.push_back(width);
    return shown;
}

void append_source(std::string& out, const diagnostic& d, std::string_view source) {
    const shown_line line = show(without_secrets(source));
    const std::size_t last = line.offsets.size() - 1;
    const std::size_t from = std::min(d.column > 0 ? d.column - 1 : 0, last);
    const std::size_t to = std::min(from + std::max<std::size_t>(d.width, 1), last);
    const std::size_t carets = std::max<std::size_t>(line.offsets[to] - line.offsets[from], 1);
    fmt::format_to(std::back_inserter(out), "{:5} | {}\n", d.line, line.text);
    fmt::format_to(std::back_inserter(out), "{:5} | {}{}", "", std::string(line.offsets[from], ' '),
                   std::string(carets, '^'));
    if (!d.hint.empty()) out.append(" ").append(d.hint);
    out += '\n';
}

}  // namespace

std::string render(const std::vector<diagnostic>& diagnostics, const std::string& path, std::string_view text) {
    std::string out;
    const std::string file = base::printable(path, path.size());
    const std::vector<std::string_view> lines = lines_of(text);
    for (const diagnostic& d : diagnostics) {
        const std::string_view level = d.level == diagnostic::severity::error ? "error" : "warning";
        if (d.line == 0) {
            out += fmt::format("{}: {}: {}{}{}\n", file, level, d.message, d.hint.empty() ? "" : ": ", d.hint);
        } else {
            out += fmt::format("{}:{}:{}: {}: {}\n", file, d.line, d.column, level, d.message);
            append_source(out, d, d.line <= lines.size() ? lines[d.line - 1] : "");
        }
    }
    return out;
}

}  // namespace etcdsync::config
