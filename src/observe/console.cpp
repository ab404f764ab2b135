// SPDX-License-Identifier: Apache-2.0
#include "observe/console.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace etcdsync::observe {
namespace {

// PIPE_BUF of Linux (POSIX guarantees 512): a pipe that polls as writable accepts this much without
// blocking.
constexpr std::size_t max_write = 4096;

bool is_writable(int fd) {
    pollfd entry{fd, POLLOUT, 0};
    return ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLOUT) != 0;
}

/// Number of bytes written; 0 after any failure.
std::size_t write_some(int fd, std::string_view bytes) {
    for (;;) {
        const ssize_t sent = ::write(fd, bytes.data(), std::min(bytes.size(), max_write));
        if (sent >= 0) return static_cast<std::size_t>(sent);
        if (errno != EINTR) return 0;
    }
}

std::string joined(const std::vector<std::string>& lines) { return fmt::format("{}", fmt::join(lines, "\n")); }

}  // namespace

bool console::send(std::string_view bytes) {
    std::string with_line_end;
    if (line_cut_) bytes = with_line_end.append("\n").append(bytes);
    bool started = line_cut_;
    while (!bytes.empty()) {
        // Not O_NONBLOCK: every process that has this file open shares that flag.
        const std::size_t sent = is_writable(fd_) ? write_some(fd_, bytes) : 0;
        if (sent == 0) {
            line_cut_ = started;
            return false;
        }
        started = true;
        bytes.remove_prefix(sent);
    }
    line_cut_ = false;
    return true;
}

std::string console::erase_bar() const {
    if (bar_.empty()) return {};
    const std::size_t above = bar_.size() - 1;
    return above == 0 ? "\r\x1b[J" : fmt::format("\r\x1b[{}A\x1b[J", above);
}

bool console::write(std::string_view lines) {
    if (bar_.empty()) return send(lines);
    return send(erase_bar() + std::string(lines) + joined(bar_));
}

void console::show_bar(const std::vector<std::string>& lines) {
    if (lines.empty()) return clear_bar();
    const std::string before = erase_bar();
    bar_ = lines;
    send(before + joined(bar_));
}

void console::clear_bar() {
    if (bar_.empty()) return;
    send(erase_bar());
    bar_.clear();
}

std::size_t console::width() const {
    winsize size{};
    return ::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace etcdsync::observe
