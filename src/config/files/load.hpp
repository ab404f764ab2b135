// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_reader.hpp"
#include "config/check/parse.hpp"

#include <string>

namespace etcdsync::config {

/// Reads and parses the file `path`. If it cannot be read, that is one diagnostic without a place. Fills `text` with what was read,
/// for render().
[[nodiscard]] parse_result load(const base::file_reader& files, const std::string& path, std::string& text);

}  // namespace etcdsync::config
