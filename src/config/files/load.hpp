// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/check/parse.hpp"

#include <string>

namespace etcdsync::config {

/// Reads `path` and parses it. A file that cannot be read gives one diagnostic without a place. On
/// return `text` contains the file, for render().
[[nodiscard]] parse_result load(const std::string& path, std::string& text);

}  // namespace etcdsync::config
