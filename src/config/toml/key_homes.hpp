// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace etcdsync::config {

/// A key that exists in one place of the file only. Section "" is the top level.
struct key_home {
    std::string_view key;
    std::string_view section;
};

[[nodiscard]] std::span<const key_home> key_homes();

/// For a key that stands in the wrong table: where it belongs, as a hint. Empty where no table has such a key.
[[nodiscard]] std::string home_of_key(std::string_view key);

}  // namespace etcdsync::config
