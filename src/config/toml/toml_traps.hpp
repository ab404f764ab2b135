// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/toml/complaints.hpp"

#include <optional>
#include <string_view>

namespace etcdsync::config {

struct trap {
    place at;
    fault what;
};

/// The first thing in `text` to be refused before toml++ 3.3 sees it:
///   - a character beyond ASCII outside of strings and comments, which no TOML can hold there: mostly a typographic quote, and to
///     be reported as that;
///   - a multi-line string, as no value of ours needs one;
///   - a key of more than 16 parts: arrays and inline tables are capped, but the tables of `a.b.c...` are destroyed
///     recursively until the stack is gone.
[[nodiscard]] std::optional<trap> find_toml_trap(std::string_view text);

}  // namespace etcdsync::config
