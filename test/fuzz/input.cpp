// SPDX-License-Identifier: Apache-2.0
// What a person gives us: not hostile, but anything.
#include "app/cli/command_line.hpp"
#include "base/escape.hpp"
#include "config/files/load.hpp"
#include "config/toml/render.hpp"
#include "entries.hpp"

#include <string>
#include <vector>

namespace etcdsync::fuzz {

void config(std::string_view input) {
    const config::outcome read = config::parse(input);
    bool has_error = false;
    for (const config::diagnostic& d : read.diagnostics) {
        has_error = has_error || d.level == config::diagnostic::severity::error;
        promise(base::is_printable_utf8(d.message) && base::is_printable_utf8(d.hint),
                "a complaint that can not be printed");
        promise(!d.message.empty(), "a complaint without words");
    }
    promise(read.value.has_value() == !has_error, "a value beside an error, or neither");
    const std::string text = config::render(read.diagnostics, "etcd-sync.toml", input);
    promise(text.empty() == read.diagnostics.empty(), "complaints that are not told");
    for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
        end = std::min(text.find('\n', at), text.size());
        promise(base::is_printable_utf8(std::string_view(text).substr(at, end - at)), "a line that can not be printed");
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
    promise(!read.error().text.empty(), "a refusal without words");
    promise(base::is_printable_utf8(read.error().text), "a refusal that can not be printed");
}

}  // namespace etcdsync::fuzz
