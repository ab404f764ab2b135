// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace etcdsync::config {

/// A line of the file that is safe to display. Asterisks replace the value of `password` (or of a
/// key spelled almost like it) and what precedes the "@" of a URL, one for each code point, so that
/// columns do not change.
[[nodiscard]] std::string without_secrets(std::string_view line);

}  // namespace etcdsync::config
