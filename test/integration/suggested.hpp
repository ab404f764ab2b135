// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_result.hpp"
#include "support/process.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

/// The commands that etcd-sync suggests in its log and its output: finds them and runs them as an operator does.
namespace etcdsync::test {

/// Undoes the quotes of a value in a log line.
inline std::string unquoted_value(const std::string& value) {
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] == '\\' && i + 1 < value.size()) ++i;
        out += value[i];
    }
    return out;
}

/// The commands `what` (preview, approve, check) that `output` suggests for a slave, in log lines and in lines of results. Without
/// a name: those of every log line.
inline std::vector<std::string> suggested(const std::string& output, std::string_view what, const std::string& slave) {
    const std::regex in_log(fmt::format(R"re( {}="((?:[^"\\]|\\.)*)")re", what));
    const std::string in_result = fmt::format(": {}: ", what);
    std::vector<std::string> out;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
        std::smatch found;
        const bool of_slave = slave.empty() || line.find(" slave=" + slave + " ") != std::string::npos;
        if (of_slave && std::regex_search(line, found, in_log)) out.push_back(unquoted_value(found[1]));
        const std::size_t at = line.find(in_result);
        const std::string name = line.substr(0, at);
        if (at != std::string::npos && (name == slave || name.starts_with(slave + "/")))
            out.push_back(line.substr(at + in_result.size()));
    }
    return out;
}

/// Runs a command in a shell that finds the binary under test, in another directory than the test's.
inline command_result run_in_shell(const std::string& command) {
    const scratch_dir dir;
    const std::string path = std::filesystem::path(std::getenv("ETCD_SYNC")).parent_path();
    process shell({"/bin/bash", "-c", fmt::format("PATH='{}':$PATH; {}", path, command)}, dir.path() + "/output",
                  dir.path());
    command_result out;
    out.code = shell.wait(patience(std::chrono::seconds(60)));
    std::ostringstream text;
    text << std::ifstream(dir.path() + "/output").rdbuf();
    out.text = text.str();
    return out;
}

}  // namespace etcdsync::test
