// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/processes.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// The exit status and output of a command.
struct command_result {
    int code = 0;
    std::string text;

    [[nodiscard]] bool holds(std::string_view part) const { return text.find(part) != std::string::npos; }
};

/// Runs a command with the configuration of `daemon`.
inline command_result run(sync_daemon& daemon, const std::vector<std::string>& arguments) {
    const std::size_t before = daemon.output().size();
    command_result out;
    out.code = daemon.run(arguments, patience(std::chrono::seconds(60)));
    out.text = daemon.output().substr(before);
    return out;
}

}  // namespace etcdsync::test
