// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/terminal.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::app {

/// The environment the process was started in, as values: commands do not ask the system.
struct process_environment {
    std::map<std::string, std::string, std::less<>> variables;
    observe::terminal err;  ///< what stderr is

    /// Empty where it is not set.
    [[nodiscard]] std::string_view variable(std::string_view name) const;
};

/// Those of this process. stdin, stdout and stderr are open afterwards, on /dev/null where they were closed: else a
/// connection could become "stderr" and be sent our log.
[[nodiscard]] process_environment look_around();

/// Variables named ETCDSYNC_* that mean nothing: slips of the pen, for a warning. Names only, values may be secrets.
[[nodiscard]] std::vector<std::string> unknown_variables(const process_environment& around);

}  // namespace etcdsync::app
