// SPDX-License-Identifier: Apache-2.0
#include "support/process.hpp"

#include "support/loopback.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <stdexcept>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace etcdsync::test {
namespace {

bool is_free(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return bound;
}

/// Reserves a pair of ports for this process with a lock file, so that concurrent test programs get
/// different ports.
bool reserve(std::uint16_t port) {
    const std::string path =
        fmt::format("{}/etcd-sync-test-port-{}", std::filesystem::temp_directory_path().string(), port);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return false;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;  // keep the file open, and so the lock
    ::close(fd);
    return false;
}

bool is_set(const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

}  // namespace

scratch_dir::scratch_dir() : scratch_dir(std::filesystem::temp_directory_path().string()) {}

scratch_dir::scratch_dir(const std::string& parent) {
    std::string pattern = parent + "/etcd-sync-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
}

scratch_dir::~scratch_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::uint16_t free_port_pair() {
    // Below the kernel's ephemeral range (32768), so that no outgoing connection takes the port
    // between two starts.
    static std::uint16_t next = static_cast<std::uint16_t>(20'000 + (::getpid() % 5'000) * 2);
    for (int tries = 0; tries < 5'000; ++tries) {
        next = static_cast<std::uint16_t>(next >= 32'000 ? 20'000 : next + 2);
        if (!is_free(next) || !is_free(static_cast<std::uint16_t>(next + 1))) continue;
        if (reserve(next)) return next;
    }
    throw std::runtime_error("no free ports");
}

process::process(const std::vector<std::string>& command, const std::string& output_file,
                 const std::string& directory) {
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const int out = ::open(output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int started[2];
    if (::pipe2(started, O_CLOEXEC) != 0) throw std::runtime_error("cannot create a pipe");
    pid_ = ::fork();
    if (pid_ != 0) {
        ::close(out);
        ::close(started[1]);
        char nothing = 0;
        while (::read(started[0], &nothing, 1) < 0 && errno == EINTR) {}  // returns after exec closed the other end
        ::close(started[0]);
        return;
    }
    // Otherwise doctest's handlers would look like handlers of the other program until exec.
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::signal(number, SIG_DFL);
    // The daemon and etcd warn about unknown variables.
    for (const char* ours : {"ETCDSYNC_BUILD", "ETCDSYNC_LONG", "ETCDSYNC_SLOW", "ETCD_SYNC_TEST_MASTER_ETCD",
                             "ETCD_SYNC_TEST_SLAVE_ETCD"})
        ::unsetenv(ours);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no processes
    if (!directory.empty() && ::chdir(directory.c_str()) != 0) ::_exit(126);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
}

process::~process() { kill(); }

process::process(process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

process& process::operator=(process&& other) noexcept {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    return *this;
}

void process::signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
}

bool process::handles(int number) const {
    std::ifstream in(fmt::format("/proc/{}/status", pid_));
    for (std::string word; in >> word;) {
        std::uint64_t caught = 0;
        if (word == "SigCgt:" && in >> std::hex >> caught) return ((caught >> (number - 1)) & 1) != 0;
    }
    return false;
}

std::chrono::milliseconds process::time_without_processor() const {
    std::ifstream in(fmt::format("/proc/{}/schedstat", pid_));
    std::chrono::nanoseconds::rep ran = 0;
    std::chrono::nanoseconds::rep waited = 0;
    if (pid_ <= 0 || !(in >> ran >> waited)) return {};
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(waited));
}

void process::stop() const {
    signal(SIGSTOP);
    const auto is_stopped = [this] {
        for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_))) {
            std::string stat;
            std::getline(std::ifstream(thread.path() / "stat"), stat);
            const std::size_t name_end = stat.rfind(')');
            if (name_end == std::string::npos || stat.compare(name_end, 3, ") T") != 0) return false;
        }
        return true;
    };
    eventually(is_stopped, std::chrono::seconds(2));
}

void process::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
}

int process::wait(std::chrono::milliseconds limit) {
    int status = 0;
    const bool ended = eventually([&] { return pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_; }, limit);
    if (!ended) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool process::running() {
    if (pid_ <= 0) return false;
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

bool long_run() { return is_set("ETCDSYNC_LONG"); }

std::chrono::milliseconds patience(std::chrono::milliseconds limit) {
    return is_set("ETCDSYNC_SLOW") ? 4 * limit : limit;
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
    using clock = std::chrono::steady_clock;
    constexpr clock::duration max_counted_sleep = std::chrono::milliseconds(200);
    clock::duration left = limit;
    for (auto looked = clock::now(); !condition();) {
        if (left <= clock::duration::zero()) return false;
        const auto slept = clock::now();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        // Do not count pauses of the whole machine: the awaited process was paused, too.
        const auto now = clock::now();
        left -= std::min<clock::duration>(slept - looked, limit / 2) + std::min(now - slept, max_counted_sleep);
        looked = now;
    }
    return true;
}

}  // namespace etcdsync::test
