// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace etcdsync::config {

/// A key that exists in only one table of the file. Section "" is the top level.
struct key_home {
    std::string_view key;
    std::string_view section;
};

[[nodiscard]] std::span<const key_home> key_homes();

/// For a key in the wrong table: a hint where it belongs. Empty if no table has such a key.
[[nodiscard]] std::string home_of_key(std::string_view key);

}  // namespace etcdsync::config
