// SPDX-License-Identifier: Apache-2.0
#include "config/toml/toml_traps.hpp"

#include <algorithm>

namespace etcdsync::config {
namespace {

constexpr std::size_t most_dots = 15;
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }

class scanner {
public:
    explicit scanner(std::string_view text) : text_(text) {}

    std::optional<trap> run() {
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (!is_ascii(c)) {
                return found("non-ASCII characters are allowed only in strings and comments",
                             "replace typographic quotes, dashes and spaces");
            }
            if (opens_multi_line()) {
                return found("multi-line strings are not supported",
                             R"(write "..." on one line, with \n for a line end)");
            }
            if (c == '.' && ++dots_ > most_dots) return found("tables are nested too deeply", "");
            step_over(c);
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] bool opens_multi_line() const {
        const std::string_view fence = text_.substr(at_, 3);
        return fence == R"(""")" || fence == "'''";
    }

    /// Leaves `at_` on the last byte of the token that starts with `c`.
    void step_over(char c) {
        if (c == '"' || c == '\'') skip_string(c);
        if (c == '#') skip_to_line_end();
        if (c == '\n') {
            ++line_;
            line_start_ = at_ + 1;
        }
        if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) dots_ = 0;
    }

    void skip_to_line_end() { at_ = std::min(text_.find('\n', at_), text_.size()) - 1; }

    /// If no quote closes the string on its line, skips the rest of the line: the parser will
    /// report it.
    void skip_string(char quote) {
        std::size_t end = at_ + 1;
        while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
            const bool escapes = quote == '"' && text_[end] == '\\' && end + 1 < text_.size() && text_[end + 1] != '\n';
            end += escapes ? 2 : 1;
        }
        const bool closed = end < text_.size() && text_[end] == quote;
        at_ = closed ? end : end - 1;
    }

    [[nodiscard]] std::optional<trap> found(std::string message, std::string hint) const {
        std::string_view before = text_.substr(line_start_, at_ - line_start_);
        if (line_ == 1 && before.starts_with(byte_order_mark)) before.remove_prefix(byte_order_mark.size());
        const auto column = static_cast<std::size_t>(std::ranges::count_if(before, starts_code_point)) + 1;
        return trap{{line_, column, 1}, {std::move(message), std::move(hint)}};
    }

    std::string_view text_;
    std::size_t at_ = text_.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    std::size_t line_ = 1;
    std::size_t line_start_ = 0;
    std::size_t dots_ = 0;
};

}  // namespace

std::optional<trap> find_toml_trap(std::string_view text) { return scanner(text).run(); }

}  // namespace etcdsync::config
