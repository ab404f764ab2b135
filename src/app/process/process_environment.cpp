// SPDX-License-Identifier: Apache-2.0
#include "app/process/process_environment.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace etcdsync::app {
namespace {

constexpr std::array<std::string_view, 3> known{"ETCDSYNC_ADMIN", "ETCDSYNC_CONFIG", "ETCDSYNC_LOG_LEVEL"};

void open_standard_files() {
    for (int fd = 0; fd <= 2; ++fd) {
        // open() gives the lowest number that is free: fd itself, as those below are open.
        if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
    }
}

}  // namespace

std::string_view process_environment::variable(std::string_view name) const {
    const auto place = variables.find(name);
    return place == variables.end() ? std::string_view() : std::string_view(place->second);
}

process_environment look_around() {
    open_standard_files();
    process_environment around;
    for (char** entry = ::environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        around.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    around.err = {.is_tty = ::isatty(STDERR_FILENO) == 1,
                  .is_journal = observe::is_journal(STDERR_FILENO, std::string(around.variable("JOURNAL_STREAM"))),
                  .term = std::string(around.variable("TERM")),
                  .no_color = std::string(around.variable("NO_COLOR")),
                  .clicolor_force = std::string(around.variable("CLICOLOR_FORCE"))};
    return around;
}

std::vector<std::string> unknown_variables(const process_environment& around) {
    std::vector<std::string> names;
    for (const auto& [name, value] : around.variables) {
        const bool ours = name.starts_with("ETCDSYNC_");
        if (ours && std::find(known.begin(), known.end(), name) == known.end()) names.push_back(name);
    }
    return names;
}

}  // namespace etcdsync::app
