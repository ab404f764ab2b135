// SPDX-License-Identifier: Apache-2.0
#include "app/process/read_environment.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace etcdsync::app {
namespace {

void open_standard_files() {
    for (int fd = 0; fd <= 2; ++fd) {
        // open() returns the lowest free number: fd itself, because those below it are open.
        // A result that is written to a closed stdout is lost, and must fail.
        if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR));
    }
}

}  // namespace

process_environment read_environment() {
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

}  // namespace etcdsync::app
