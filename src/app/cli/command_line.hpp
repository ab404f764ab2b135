// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/options.hpp"
#include "base/result.hpp"

#include <string>
#include <vector>

namespace etcdsync::app {

/// Reads the arguments after the program's name. Where they cannot be understood: one sentence for stderr; the exit
/// code is usage then.
[[nodiscard]] base::result<options> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace etcdsync::app
