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

// POSIX's smallest PIPE_BUF is 512, Linux has 4096: a pipe that polls as writable takes this much without blocking.
constexpr std::size_t one_write = 4096;

bool takes_bytes(int fd) {
    pollfd asked{fd, POLLOUT, 0};
    return ::poll(&asked, 1, 0) == 1 && (asked.revents & POLLOUT) != 0;
}

/// How many bytes were taken; 0 after any failure.
std::size_t write_some(int fd, std::string_view bytes) {
    for (;;) {
        const ssize_t sent = ::write(fd, bytes.data(), std::min(bytes.size(), one_write));
        if (sent >= 0) return static_cast<std::size_t>(sent);
        if (errno != EINTR) return 0;
    }
}

std::string joined(const std::vector<std::string>& lines) { return fmt::format("{}", fmt::join(lines, "\n")); }

}  // namespace

bool console::send(std::string_view bytes) {
    std::string whole;
    if (torn_) bytes = whole.append("\n").append(bytes);
    bool started = torn_;
    while (!bytes.empty()) {
        // O_NONBLOCK would do the same, but it is shared with every process that has this file open.
        const std::size_t sent = takes_bytes(fd_) ? write_some(fd_, bytes) : 0;
        if (sent == 0) {
            torn_ = started;
            return false;
        }
        started = true;
        bytes.remove_prefix(sent);
    }
    torn_ = false;
    return true;
}

std::string console::erasure() const {
    if (bar_.empty()) return {};
    const std::size_t above = bar_.size() - 1;
    return above == 0 ? "\r\x1b[J" : fmt::format("\r\x1b[{}A\x1b[J", above);
}

bool console::write(std::string_view lines) {
    if (bar_.empty()) return send(lines);
    return send(erasure() + std::string(lines) + joined(bar_));
}

void console::show_bar(const std::vector<std::string>& lines) {
    if (lines.empty()) return clear_bar();
    const std::string before = erasure();
    bar_ = lines;
    send(before + joined(bar_));
}

void console::clear_bar() {
    if (bar_.empty()) return;
    send(erasure());
    bar_.clear();
}

std::size_t console::width() const {
    winsize size{};
    return ::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace etcdsync::observe
