// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/toml/complaints.hpp"
#include "config/toml/toml.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// From one TOML value to one value of ours. Each of these complains at the value's place and answers nothing where the
/// value is not what it must be. `what` names the value in messages: `"dest"`.
namespace etcdsync::config {

struct value_context {
    std::string what;
    complaints& out;
};

[[nodiscard]] place place_of(const toml::source_region& region);
[[nodiscard]] inline place place_of(const toml::node& node) { return place_of(node.source()); }

/// The first to the last value that is accepted.
template <class T>
struct bounds {
    T least;
    T most;
};

[[nodiscard]] std::optional<std::string> read_text(const toml::node& node, const value_context& in);
/// A text that names something outside of the file: there is no ${VAR} in it.
[[nodiscard]] std::optional<std::string> read_outside_name(const toml::node& node, const value_context& in);
/// [a-z0-9._-]+
[[nodiscard]] std::optional<std::string> read_name(const toml::node& node, const value_context& in);
[[nodiscard]] std::optional<bool> read_flag(const toml::node& node, const value_context& in);
[[nodiscard]] std::optional<unsigned> read_number(const toml::node& node, const value_context& in,
                                                  bounds<unsigned> range);
[[nodiscard]] std::optional<duration> read_duration(const toml::node& node, const value_context& in,
                                                    bounds<duration> range);
[[nodiscard]] std::optional<base::byte_count> read_size(const toml::node& node, const value_context& in,
                                                        bounds<base::byte_count> range);
/// The index of the word among `words`.
[[nodiscard]] std::optional<std::size_t> read_choice(const toml::node& node, const value_context& in,
                                                     std::span<const std::string_view> words);
/// A key, or a part of one: a string, or { hex = "..." } for bytes that are not UTF-8.
[[nodiscard]] std::optional<std::string> read_key(const toml::node& node, const value_context& in);

/// For a value of the wrong type: says what it must be and which type it has.
void complain_about_type(const toml::node& node, const value_context& in, std::string_view wanted, std::string hint);

/// `write "5"` for a number or boolean that lacks its quotes; empty for other types.
[[nodiscard]] std::string quoted_scalar(const toml::node& node);
/// As the file takes it: "90s" and not "1m30s", "1536KiB" and not "1.5MiB".
[[nodiscard]] std::string written(duration d);
[[nodiscard]] std::string written(std::int64_t number);
[[nodiscard]] std::string written(base::byte_count size);
/// `"a", "b" or "c"`
[[nodiscard]] std::string listed(std::span<const std::string_view> words);
/// `did you mean "x"?` where one of the words is near, else empty.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> words);

}  // namespace etcdsync::config
