// SPDX-License-Identifier: Apache-2.0
#include "config/toml/value.hpp"

#include "base/escape.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::config {
namespace {

std::string_view type_name(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table: return "a table";
        case toml::node_type::array: return "an array";
        case toml::node_type::string: return "a string";
        case toml::node_type::integer: return "an integer";
        case toml::node_type::floating_point: return "a float";
        case toml::node_type::boolean: return "a boolean";
        default: return "a date or time";
    }
}

/// A bare number most likely lacks its unit: suggests it with one.
std::string with_unit(const toml::node& node, std::string_view unit, std::string_view example) {
    const auto number = node.value_exact<std::int64_t>();
    if (number && *number > 0) return fmt::format("write \"{}{}\"", *number, unit);
    return fmt::format("write \"{}\"", example);
}

template <class T>
bool check_range(T value, bounds<T> range, const toml::node& node, const value_context& in) {
    if (value >= range.least && value <= range.most) return true;
    const bool low = value < range.least;
    in.out.error(place_of(node), fmt::format("{} is too {}", in.what, low ? "small" : "large"),
                 fmt::format("at {} {}", low ? "least" : "most", written(low ? range.least : range.most)));
    return false;
}

}  // namespace

place place_of(const toml::source_region& region) {
    const bool one_line = region.begin.line == region.end.line && region.end.column > region.begin.column;
    return {region.begin.line, region.begin.column, one_line ? region.end.column - region.begin.column : 1};
}

std::string written(duration d) {
    const auto ms = d.count();
    if (ms == 0) return "0s";
    if (ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
    if (ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
    return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
}

std::string written(std::int64_t number) { return std::to_string(number); }

std::string written(base::byte_count size) {
    const auto bytes = size.value;
    if (bytes != 0 && bytes % (1ULL << 30) == 0) return fmt::format("{}GiB", bytes >> 30);
    if (bytes != 0 && bytes % (1ULL << 20) == 0) return fmt::format("{}MiB", bytes >> 20);
    return bytes != 0 && bytes % 1024 == 0 ? fmt::format("{}KiB", bytes >> 10) : fmt::format("{}B", bytes);
}

std::string listed(std::span<const std::string_view> words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
        text += fmt::format("\"{}\"", words[i]);
    }
    return text;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> words) {
    const std::string_view near = base::nearest(word, words);
    return near.empty() ? std::string() : fmt::format("did you mean \"{}\"?", near);
}

void complain_about_type(const toml::node& node, const value_context& in, std::string_view wanted, std::string hint) {
    in.out.error(place_of(node), fmt::format("{} must be {}, not {}", in.what, wanted, type_name(node)),
                 std::move(hint));
}

std::string quoted_scalar(const toml::node& node) {
    if (const auto number = node.value_exact<std::int64_t>()) return fmt::format("write \"{}\"", *number);
    if (const auto number = node.value_exact<double>()) return fmt::format("write \"{}\"", *number);
    if (const auto flag = node.value_exact<bool>()) return fmt::format("write \"{}\"", *flag);
    return {};
}

std::optional<std::string> read_text(const toml::node& node, const value_context& in) {
    auto text = node.value_exact<std::string>();
    if (!text) complain_about_type(node, in, "a string", quoted_scalar(node));
    return text;
}

std::optional<std::string> read_outside_name(const toml::node& node, const value_context& in) {
    auto text = read_text(node, in);
    if (!text || text->find("${") == std::string::npos) return text;
    in.out.error(place_of(node),
                 fmt::format("{} contains \"${{\", but variables are not expanded in this file", in.what),
                 "write the value itself");
    return std::nullopt;
}

std::optional<std::string> read_name(const toml::node& node, const value_context& in) {
    auto text = read_text(node, in);
    if (!text) return text;
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    };
    if (!text->empty() && std::ranges::all_of(*text, allowed)) return text;
    in.out.error(place_of(node), fmt::format("\"{}\" cannot be a name", base::printable(*text)),
                 "one or more of a-z, 0-9, \".\", \"_\" and \"-\"");
    return std::nullopt;
}

std::optional<bool> read_flag(const toml::node& node, const value_context& in) {
    const auto flag = node.value_exact<bool>();
    if (flag) return flag;
    const auto text = node.value_exact<std::string>();
    const bool quoted = text && (*text == "true" || *text == "false");
    complain_about_type(node, in, "true or false", quoted ? fmt::format("write {} without quotes", *text) : "");
    return std::nullopt;
}

std::optional<unsigned> read_number(const toml::node& node, const value_context& in, bounds<unsigned> range) {
    const auto number = node.value_exact<std::int64_t>();
    if (!number) {
        const auto text = node.value_exact<std::string>();
        const bool digits = text && !text->empty() && text->find_first_not_of("0123456789") == std::string::npos;
        complain_about_type(node, in, "a whole number", digits ? fmt::format("write {} without quotes", *text) : "");
        return std::nullopt;
    }
    if (!check_range<std::int64_t>(*number, {range.least, range.most}, node, in)) return std::nullopt;
    return static_cast<unsigned>(*number);
}

std::optional<duration> read_duration(const toml::node& node, const value_context& in, bounds<duration> range) {
    const auto text = node.value_exact<std::string>();
    if (!text) {
        complain_about_type(node, in, "a duration with its unit", with_unit(node, "s", "10s"));
        return std::nullopt;
    }
    const auto parsed = base::parse_duration(*text);
    if (!parsed) {
        in.out.error(place_of(node), fmt::format("\"{}\" is not a duration", base::printable(*text)),
                     "a whole number and ms, s, m or h: \"250ms\", \"10s\"");
        return std::nullopt;
    }
    if (!check_range<duration>(*parsed, range, node, in)) return std::nullopt;
    return parsed;
}

std::optional<base::byte_count> read_size(const toml::node& node, const value_context& in,
                                          bounds<base::byte_count> range) {
    const auto text = node.value_exact<std::string>();
    if (!text) {
        complain_about_type(node, in, "a size with its unit", with_unit(node, "B", "4MiB"));
        return std::nullopt;
    }
    const auto parsed = base::parse_byte_count(*text);
    if (!parsed) {
        in.out.error(place_of(node), fmt::format("\"{}\" is not a size", base::printable(*text)),
                     "a whole number and B, KiB, MiB or GiB: \"512KiB\"");
        return std::nullopt;
    }
    const base::byte_count size{*parsed};
    if (!check_range<base::byte_count>(size, range, node, in)) return std::nullopt;
    return size;
}

std::optional<std::size_t> read_choice(const toml::node& node, const value_context& in,
                                       std::span<const std::string_view> words) {
    const auto text = node.value_exact<std::string>();
    if (!text) {
        complain_about_type(node, in, listed(words), "");
        return std::nullopt;
    }
    const auto found = std::ranges::find(words, *text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    in.out.error(place_of(node), fmt::format("{} must be {}", in.what, listed(words)), did_you_mean(*text, words));
    return std::nullopt;
}

}  // namespace etcdsync::config
