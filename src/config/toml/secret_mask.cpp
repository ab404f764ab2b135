// SPDX-License-Identifier: Apache-2.0
#include "config/toml/secret_mask.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace etcdsync::config {
namespace {

constexpr std::array<std::string_view, 1> secret_keys{"password"};

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool names_secret(std::string_view word) {
    return word != "password_file" && word != "password_env" && !base::nearest(word, secret_keys).empty();
}

/// Replaces the code points of [from, to) by asterisks. Returns the index after them.
std::size_t mask(std::string& line, std::size_t from, std::size_t to) {
    const auto begin = line.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = line.begin() + static_cast<std::ptrdiff_t>(std::min(to, line.size()));
    const auto starts =
        std::count_if(begin, end, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; });
    line.replace(begin, end, static_cast<std::size_t>(starts), '*');
    return from + static_cast<std::size_t>(starts);
}

/// Masks the value that starts at `at`: the content of a string, or all of another value. Returns
/// the index after it.
std::size_t mask_value(std::string& line, std::size_t at) {
    const char first = line[at];
    if (first == '[' || first == '{') return mask(line, at, line.size());
    if (first != '"' && first != '\'') return mask(line, at, line.find_first_of(" \t,}#", at));
    std::size_t end = at + 1;
    while (end < line.size() && line[end] != first) end += first == '"' && line[end] == '\\' ? 2 : 1;
    return mask(line, at + 1, end);
}

/// The start of the user in the URL `token`: after the scheme or, without one, the start of
/// "user:password@host".
std::optional<std::size_t> start_of_user(std::string_view token) {
    const std::size_t scheme = token.find("://");
    if (scheme != std::string_view::npos) return scheme + 3;
    const std::size_t colon = token.find(':');
    if (colon < token.find('/')) return 0;
    return std::nullopt;
}

void mask_users(std::string& line) {
    static constexpr const char* between = "\"' \t,";
    for (std::size_t at = line.find_first_not_of(between); at != std::string::npos;) {
        std::size_t end = std::min(line.find_first_of(between, at), line.size());
        const std::string_view token = std::string_view(line).substr(at, end - at);
        const std::size_t user_end = token.rfind('@');
        const auto user = user_end == std::string_view::npos ? std::nullopt : start_of_user(token.substr(0, user_end));
        if (user) end = mask(line, at + *user, at + user_end);
        at = line.find_first_not_of(between, end);
    }
}

}  // namespace

std::string without_secrets(std::string_view text) {
    std::string line(text);
    for (std::size_t at = 0; at < line.size();) {
        const std::size_t start = at;
        while (at < line.size() && is_word(line[at])) ++at;
        const std::string_view word(line.data() + start, at - start);
        if (word.empty()) ++at;
        if (word.empty() || !names_secret(word)) continue;
        at = line.find_first_not_of("\"' \t", at);  // also skips the closing quote of a quoted key
        if (at == std::string::npos) break;
        if (line[at] != '=') continue;
        at = line.find_first_not_of(" \t", at + 1);
        if (at == std::string::npos) break;
        at = mask_value(line, at);
    }
    mask_users(line);
    return line;
}

}  // namespace etcdsync::config
