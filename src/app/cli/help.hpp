// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/options.hpp"

#include <span>
#include <string>
#include <string_view>

namespace etcdsync::app {

struct command_info {
    std::string_view name;
    std::string_view arguments;    ///< "KEY"
    std::string_view summary;      ///< one line
    command what = command::none;  ///< none: planned, not supported yet
};

/// Every command of the contract, in the order of the help.
[[nodiscard]] std::span<const command_info> all_commands();

/// Null if there is no such command.
[[nodiscard]] const command_info* find_command(std::string_view name);

/// Printed if no command is given.
[[nodiscard]] std::string short_help();

/// The help for everything, or for the supported command `topic`.
[[nodiscard]] std::string long_help(std::string_view topic);

}  // namespace etcdsync::app
