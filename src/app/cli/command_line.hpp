// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/options.hpp"
#include "base/result.hpp"

#include <string>
#include <vector>

namespace etcdsync::app {

/// Parses the arguments after the program's name. The error is one sentence for stderr; the exit code is then `usage`.
[[nodiscard]] base::result<options> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace etcdsync::app
