// SPDX-License-Identifier: Apache-2.0
#include "app/process/standard_output.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace etcdsync::app {
namespace {

/// A terminal, or a pipe or file after `2>&1`.
bool is_one_file(int one, int other) {
    struct stat first {};
    struct stat second {};
    return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

}  // namespace

standard_output::standard_output(observe::console* beside)
    : console_(beside), one_file_(is_one_file(STDOUT_FILENO, STDERR_FILENO)) {
    std::signal(SIGPIPE, SIG_IGN);
}

bool standard_output::write(std::string_view text) {
    clear_bar();
    if (error_ == 0 && std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) note_failure();
    return error_ == 0;
}

bool standard_output::flush() {
    if (error_ == 0 && std::fflush(stdout) != 0) note_failure();
    return error_ == 0;
}

void standard_output::note_failure() { error_ = errno == 0 ? EIO : errno; }

output::breakage standard_output::broken_by() const {
    if (error_ == 0) return breakage::none;
    return error_ == EPIPE ? breakage::reader_gone : breakage::failed;
}

std::string standard_output::cause() const { return std::strerror(error_); }

void standard_output::complain(std::string_view lines) {
    clear_bar();
    std::fwrite(lines.data(), 1, lines.size(), stderr);
}

void standard_output::warn(std::string_view lines) {
    if (!one_file_) complain(lines);
}

}  // namespace etcdsync::app
