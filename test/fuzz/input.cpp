// SPDX-License-Identifier: Apache-2.0
// Input of the user: not hostile, but arbitrary.
#include "app/cli/command_line.hpp"
#include "base/escape.hpp"
#include "config/files/load.hpp"
#include "config/toml/render.hpp"
#include "entries.hpp"

#include <string>
#include <vector>

namespace etcdsync::fuzz {

void config(std::string_view input) {
    const config::parse_result read = config::parse(input);
    bool has_error = false;
    for (const config::diagnostic& d : read.diagnostics) {
        has_error = has_error || d.level == config::diagnostic::severity::error;
        require(base::is_printable_utf8(d.message) && base::is_printable_utf8(d.hint),
                "a diagnostic that is not printable");
        require(!d.message.empty(), "a diagnostic without a message");
    }
    require(read.value.has_value() == !has_error, "a value and an error, or neither");
    const std::string text = config::render(read.diagnostics, "etcd-sync.toml", input);
    require(text.empty() == read.diagnostics.empty(), "diagnostics that are not rendered");
    for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
        end = std::min(text.find('\n', at), text.size());
        require(base::is_printable_utf8(std::string_view(text).substr(at, end - at)), "a line that is not printable");
    }
}

void command_line(std::string_view input) {
    std::vector<std::string> arguments;
    for (std::string_view left = input; !left.empty();) {
        const std::size_t end = std::min(left.find('\0'), left.size());
        arguments.emplace_back(left.substr(0, end));
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    const auto read = app::parse_command_line(arguments);
    if (read) return;
    require(!read.error().text.empty(), "an error without a message");
    require(base::is_printable_utf8(read.error().text), "an error that is not printable");
}

}  // namespace etcdsync::fuzz
