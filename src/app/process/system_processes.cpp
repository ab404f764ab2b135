// SPDX-License-Identifier: Apache-2.0
#include "app/process/system_processes.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <limits>
#include <string>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace etcdsync::app {
namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

/// True if /proc shows the processes of our own pid namespace.
bool is_proc_ours() {
    std::array<char, 32> target{};
    const ssize_t size = ::readlink("/proc/self", target.data(), target.size());
    return size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)) == std::to_string(::getpid());
}

std::uint64_t own_pid_namespace() {
    struct stat about {};
    return ::stat("/proc/self/ns/pid", &about) == 0 ? about.st_ino : 0;
}

std::optional<process_stat> stat_of(std::int64_t pid) {
    return parse_process_stat(first_line(fmt::format("/proc/{}/stat", pid)));
}

}  // namespace

std::optional<process_stat> parse_process_stat(std::string_view text) {
    constexpr int fields_before_start_time = 19;  // from the state, which follows the name, on
    const std::size_t name_end = text.rfind(") ");
    if (name_end == std::string_view::npos || name_end + 3 >= text.size()) return std::nullopt;
    text.remove_prefix(name_end + 2);
    process_stat out;
    out.state = text.front();
    for (int i = 0; i < fields_before_start_time; ++i) {
        const std::size_t blank = text.find(' ');
        if (blank == std::string_view::npos) return std::nullopt;
        text.remove_prefix(blank + 1);
    }
    const auto [rest, ec] = std::from_chars(text.data(), text.data() + text.size(), out.start_time);
    if (ec != std::errc{} || rest == text.data()) return std::nullopt;
    return out;
}

system_processes::system_processes() {
    if (!is_proc_ours()) return;
    const auto own = stat_of(::getpid());
    if (!own) return;
    self_.boot_id = first_line("/proc/sys/kernel/random/boot_id");
    self_.pid_namespace = own_pid_namespace();
    self_.pid = ::getpid();
    self_.start_time = own->start_time;
}

bool system_processes::is_gone(std::int64_t pid, std::uint64_t start_time) const {
    if (self_.boot_id.empty() || pid <= 0 || pid > std::numeric_limits<pid_t>::max()) return false;
    // Not by /proc: it may hide the processes of other users.
    if (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return true;
    const auto now = stat_of(pid);
    return now && (now->start_time != start_time || now->state == 'Z' || now->state == 'X');
}

}  // namespace etcdsync::app
