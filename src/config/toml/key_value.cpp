// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "config/toml/value.hpp"

#include <fmt/format.h>

namespace etcdsync::config {
namespace {

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto high = hex_digit(text[i]);
        const auto low = hex_digit(text[i + 1]);
        if (!high || !low) return std::nullopt;
        bytes += static_cast<char>(*high << 4 | *low);
    }
    return bytes;
}

}  // namespace

std::optional<std::string> read_key(const toml::node& node, const value_context& in) {
    const toml::table* const form = node.as_table();
    if (form == nullptr) {
        auto text = node.value_exact<std::string>();
        if (!text) complain_about_type(node, in, "a string or { hex = \"...\" }", quoted_scalar(node));
        return text;
    }
    const toml::node* const hex = form->get("hex");
    if (hex == nullptr || form->size() != 1) {
        in.out.error(place_of(node), fmt::format("{} as a table must contain only \"hex\"", in.what),
                     "write { hex = \"00ff\" }");
        return std::nullopt;
    }
    const auto digits = read_text(*hex, {"\"hex\"", in.out});
    if (!digits) return std::nullopt;
    auto bytes = from_hex(*digits);
    if (!bytes) {
        in.out.error(place_of(*hex), fmt::format("\"{}\" is not hexadecimal", base::printable(*digits)),
                     "an even number of 0-9 and a-f: \"00ff\"");
    }
    return bytes;
}

}  // namespace etcdsync::config
