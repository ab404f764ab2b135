// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::config {

/// Renders diagnostics for the terminal: `file:line:col: error: ...`, the source line, the caret
/// line with the hint; one block per diagnostic.
[[nodiscard]] std::string render(const std::vector<diagnostic>& diagnostics, const std::string& path,
                                 std::string_view text);

}  // namespace etcdsync::config
