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

/// Finds the first thing in `text` that must be refused before toml++ 3.3 reads it:
///   - a non-ASCII character outside strings and comments, which TOML does not allow: most often a
///     typographic quote, which deserves a clear error;
///   - a multi-line string: no value needs one;
///   - a key of more than 16 parts: arrays and inline tables have a limit, but the tables of
///     `a.b.c...` are destroyed recursively until the stack overflows.
[[nodiscard]] std::optional<trap> find_toml_trap(std::string_view text);

}  // namespace etcdsync::config
