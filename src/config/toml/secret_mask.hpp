// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace etcdsync::config {

/// A line of the file that may be shown: what stands after `password =`, or any key spelt nearly so, and what stands
/// before the "@" of a URL is replaced by asterisks, one for each code point, so that columns stay.
[[nodiscard]] std::string without_secrets(std::string_view line);

}  // namespace etcdsync::config
