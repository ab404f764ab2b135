// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/terminal.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::app {

/// The environment in which the process was started, as values: commands do not ask the system.
struct process_environment {
    std::map<std::string, std::string, std::less<>> variables;
    observe::terminal err;  ///< what stderr is

    /// Empty if it is not set.
    [[nodiscard]] std::string_view variable(std::string_view name) const;
};

/// Variables named ETCDSYNC_* that have no meaning, for a warning. Names only: values may be secrets.
[[nodiscard]] std::vector<std::string> unknown_variables(const process_environment& around);

}  // namespace etcdsync::app
