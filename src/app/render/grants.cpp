// SPDX-License-Identifier: Apache-2.0
#include "app/render/grants.hpp"

#include "base/escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

namespace etcdsync::app {
namespace {

using keys::key_range;

bool is_plain(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

std::string in_single_quotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += R"('\'')";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::string in_escapes(std::string_view bytes) {
    std::string out = "$'";
    for (const char c : bytes) {
        if (is_plain(c)) {
            out += c;
        } else {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return out + "'";
}

bool is_single(const key_range& keys) { return keys.end == keys.begin + '\0'; }

bool is_prefix(const key_range& keys) {
    return !keys.begin.empty() && !keys.end.empty() && keys.end == keys::prefix_end(keys.begin);
}

/// The least interval around `keys` whose ends hold no zero byte. An empty `begin` is the first key.
key_range without_zeros(const key_range& keys) {
    key_range out = keys;
    out.begin = keys.begin.substr(0, keys.begin.find('\0'));
    const std::size_t zero = keys.end.find('\0');
    if (zero != std::string::npos) out.end = keys.end.substr(0, zero) + '\x01';
    return out;
}

std::string shown(std::string_view key) { return fmt::format("\"{}\"", base::printable(key, key.size())); }

std::string without_last(std::string_view key) { return shown(key.substr(0, key.size() - 1)); }

struct grant_words {
    std::string flag;  ///< --prefix, --from-key
    std::string key;
    std::string range_end = {};
    std::string_view remark = {};
};

grant_words words_for(const key_range& exact) {
    if (is_single(exact) && exact.begin.find('\0') == std::string::npos) return {"", exact.begin};
    const key_range keys = without_zeros(exact);
    if (is_prefix(keys)) return {"--prefix", keys.begin};
    // etcdctl takes an empty key for every key with --prefix only; with an end it grants something useless.
    if (keys.begin.empty())
        return {"--prefix", "", "", keys.end.empty() ? "" : "  # every key: etcdctl can grant no less"};
    if (keys.end.empty()) return {"--from-key", keys.begin};
    return {"", keys.begin, keys.end};
}

}  // namespace

std::string shell_word(std::string_view bytes) {
    if (!bytes.empty() && std::ranges::all_of(bytes, is_plain)) return std::string(bytes);
    return base::is_printable_utf8(bytes) ? in_single_quotes(bytes) : in_escapes(bytes);
}

std::string grant_line(std::string_view what, const key_range& keys) {
    const grant_words words = words_for(keys);
    const bool like_option = words.key.starts_with('-') || words.range_end.starts_with('-');
    std::string line = "etcdctl role grant-permission";
    const auto add = [&line](std::string_view word) { line.append(" ").append(word); };
    if (like_option && !words.flag.empty()) add(words.flag);
    if (like_option) add("--");
    add("ROLE");
    add(what);
    add(shell_word(words.key));
    if (!words.range_end.empty()) add(shell_word(words.range_end));
    if (!like_option && !words.flag.empty()) add(words.flag);
    return line.append(words.remark);
}

std::string described(const key_range& keys) {
    if (is_single(keys)) return "key " + shown(keys.begin);
    if (is_prefix(keys)) return "keys under " + shown(keys.begin);
    const bool from_first = keys.begin.empty() || keys.begin == std::string(1, '\0');
    if (from_first && keys.end.empty()) return "every key";
    // No key is between a key and the same key with a zero byte appended.
    const bool after = !from_first && keys.begin.ends_with('\0');
    const bool including = keys.end.ends_with('\0');
    std::string out = after ? "keys after " + without_last(keys.begin)
                            : "keys from " + (from_first ? "the first" : shown(keys.begin));
    if (keys.end.empty()) return out + " on";
    return out + (including ? " to " + without_last(keys.end) : " to before " + shown(keys.end));
}

}  // namespace etcdsync::app
