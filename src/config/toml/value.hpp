// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/toml/complaints.hpp"
#include "config/toml/toml.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Functions that read one TOML value. Each of them reports an invalid value at its place and
/// returns nothing. `what` names the value in messages: `"dest"`.
namespace etcdsync::config {

struct value_context {
    std::string what;
    complaints& out;
};

[[nodiscard]] place place_of(const toml::source_region& region);
[[nodiscard]] inline place place_of(const toml::node& node) { return place_of(node.source()); }

/// The smallest and the largest accepted value.
template <class T>
struct bounds {
    T least;
    T most;
};

[[nodiscard]] std::optional<std::string> read_text(const toml::node& node, const value_context& in);
/// Reads a string that names something outside the file. It must not contain ${VAR}.
[[nodiscard]] std::optional<std::string> read_outside_name(const toml::node& node, const value_context& in);
/// Reads a name: [a-z0-9._-]+
[[nodiscard]] std::optional<std::string> read_name(const toml::node& node, const value_context& in);
[[nodiscard]] std::optional<bool> read_flag(const toml::node& node, const value_context& in);
[[nodiscard]] std::optional<unsigned> read_number(const toml::node& node, const value_context& in,
                                                  bounds<unsigned> range);
[[nodiscard]] std::optional<duration> read_duration(const toml::node& node, const value_context& in,
                                                    bounds<duration> range);
[[nodiscard]] std::optional<base::byte_count> read_size(const toml::node& node, const value_context& in,
                                                        bounds<base::byte_count> range);
/// Reads one of `words` and returns its index.
[[nodiscard]] std::optional<std::size_t> read_choice(const toml::node& node, const value_context& in,
                                                     std::span<const std::string_view> words);
/// Reads a key, or a part of one: a string, or { hex = "..." } for bytes that are not UTF-8.
[[nodiscard]] std::optional<std::string> read_key(const toml::node& node, const value_context& in);

/// Reports a value of the wrong type: what it must be and which type it has.
void complain_about_type(const toml::node& node, const value_context& in, std::string_view wanted, std::string hint);

/// A hint such as `write "5"` for a number or boolean that lacks its quotes; empty for other types.
[[nodiscard]] std::string quoted_scalar(const toml::node& node);
/// A value as written in the file: "90s" and not "1m30s", "1536KiB" and not "1.5MiB".
[[nodiscard]] std::string written(duration d);
[[nodiscard]] std::string written(std::int64_t number);
[[nodiscard]] std::string written(base::byte_count size);
/// The words as a list: `"a", "b" or "c"`.
[[nodiscard]] std::string listed(std::span<const std::string_view> words);
/// The hint `did you mean "x"?` if one of the words is similar, else empty.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> words);

}  // namespace etcdsync::config
