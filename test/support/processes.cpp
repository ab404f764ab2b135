// SPDX-License-Identifier: Apache-2.0
#include "support/processes.hpp"

#include "support/etcd_client.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <sstream>
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
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return bound;
}

/// Two test programs at once are not to be handed the same ports: who has the lock of one has the pair, until it ends.
bool reserve(std::uint16_t port) {
    const std::string path =
        fmt::format("{}/etcd-sync-test-port-{}", std::filesystem::temp_directory_path().string(), port);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return false;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;  // and stays open
    ::close(fd);
    return false;
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

bool is_set(const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

std::string place_for_data() {
    constexpr std::uintmax_t enough = 4ULL << 30;
    const char* const memory = "/dev/shm";
    std::error_code ec;
    const auto space = std::filesystem::space(memory, ec);
    if (!ec && space.available >= enough && ::access(memory, W_OK) == 0) return memory;
    return std::filesystem::temp_directory_path().string();
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
    // Below the kernel's ephemeral range (32768), where an outgoing connection could take it between two starts.
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
    int begun[2];
    if (::pipe2(begun, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ != 0) {
        ::close(out);
        ::close(begun[1]);
        char nothing = 0;
        while (::read(begun[0], &nothing, 1) < 0 && errno == EINTR) {}  // until it is the other program
        ::close(begun[0]);
        return;
    }
    // Those of doctest would look like handlers of the other program for a moment.
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::signal(number, SIG_DFL);
    // The daemon warns of what it does not know, and so does etcd.
    for (const char* ours : {"ETCDSYNC_BUILD", "ETCDSYNC_LONG", "ETCDSYNC_SLOW", "ETCD_SYNC_TEST_MASTER_ETCD",
                             "ETCD_SYNC_TEST_SLAVE_ETCD"})
        ::unsetenv(ours);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing behind
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
    const auto stands_still = [this] {
        for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_))) {
            std::string stat;
            std::getline(std::ifstream(thread.path() / "stat"), stat);
            const std::size_t name_end = stat.rfind(')');
            if (name_end == std::string::npos || stat.compare(name_end, 3, ") T") != 0) return false;
        }
        return true;
    };
    eventually(stands_still, std::chrono::seconds(2));
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

etcd_server::etcd_server(std::vector<std::string> extra_flags, front_door door, role plays)
    : program_(&etcd_program::of(plays)), extra_flags_(std::move(extra_flags)), door_(std::move(door)),
      dir_(place_for_data()), port_(free_port_pair()) {
    if (door_.needs_port()) door_port_ = free_port_pair();
}

std::string etcd_server::plain_url() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::string etcd_server::url() const {
    return door_.address.empty() ? plain_url() : door_.url(dir_.path(), door_port_);
}

std::string etcd_server::data() const { return dir_.path() + "/data"; }

std::string etcd_server::log() const { return read_file(dir_.path() + "/log"); }

std::string etcd_server::initial_cluster() const { return fmt::format("m{}=http://127.0.0.1:{}", port_, port_ + 1); }

void etcd_server::add_flags(const std::vector<std::string>& flags) {
    extra_flags_.insert(extra_flags_.end(), flags.begin(), flags.end());
}

void etcd_server::start_without_waiting() {
    const std::string peer = fmt::format("http://127.0.0.1:{}", port_ + 1);
    const std::string name = fmt::format("m{}", port_);
    std::vector<std::string> command{program_->etcd(),
                                     "--name",
                                     name,
                                     "--data-dir",
                                     data(),
                                     "--listen-client-urls",
                                     plain_url(),
                                     "--advertise-client-urls",
                                     plain_url(),
                                     "--listen-peer-urls",
                                     peer,
                                     "--initial-advertise-peer-urls",
                                     peer,
                                     "--initial-cluster",
                                     initial_cluster()};
    const std::vector<std::string> quiet = program_->quiet();
    command.insert(command.end(), quiet.begin(), quiet.end());
    front_door::clear(dir_.path());
    const std::vector<std::string> opened = door_.flags(plain_url(), door_port_);
    command.insert(command.end(), opened.begin(), opened.end());
    const std::vector<std::string> extra = program_->known(extra_flags_);
    command.insert(command.end(), extra.begin(), extra.end());
    process_ = process(command, dir_.path() + "/log", dir_.path());
}

void etcd_server::start() {
    start_without_waiting();
    const bool up = eventually([this] { return etcd_client(port_).answers(); }, std::chrono::seconds(20));
    if (!up) throw std::runtime_error("etcd did not start: " + log());
}

void etcd_server::terminate() {
    process_.signal(SIGTERM);
    process_.wait(std::chrono::seconds(20));
}

void etcd_server::wipe() { std::filesystem::remove_all(data()); }

void etcd_server::keep_copy() {
    std::filesystem::remove_all(dir_.path() + "/copy");
    std::filesystem::copy(data(), dir_.path() + "/copy", std::filesystem::copy_options::recursive);
}

void etcd_server::put_copy_back() {
    wipe();
    std::filesystem::copy(dir_.path() + "/copy", data(), std::filesystem::copy_options::recursive);
}

sync_daemon::sync_daemon(std::string config) : config_path_(dir_.path() + "/etcd-sync.toml") {
    std::ofstream(config_path_) << config;
}

void sync_daemon::start(const std::vector<std::string>& arguments) {
    const char* const binary = std::getenv("ETCD_SYNC");
    if (binary == nullptr) throw std::runtime_error("ETCD_SYNC does not name the binary under test");
    std::vector<std::string> command{binary, "-c", config_path_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    process_ = process(command, dir_.path() + "/output");
}

int sync_daemon::run(const std::vector<std::string>& arguments, std::chrono::milliseconds limit) {
    start(arguments);
    return process_.wait(limit);
}

void sync_daemon::signal(int number) const {
    const bool asks = number == SIGTERM || number == SIGINT || number == SIGHUP;
    if (asks) eventually([&] { return handles(number); }, patience(std::chrono::seconds(5)));
    process_.signal(number);
}

int sync_daemon::terminate(std::chrono::milliseconds limit) {
    signal(SIGTERM);
    return process_.wait(limit);
}

std::string sync_daemon::output() const { return read_file(dir_.path() + "/output"); }

std::size_t sync_daemon::said(std::string_view text) const {
    const std::string all = output();
    std::size_t times = 0;
    for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + text.size())) ++times;
    return times;
}

long sync_daemon::rss_kib(const char* what) const {
    std::ifstream in(fmt::format("/proc/{}/status", process_.pid()));
    for (std::string word; in >> word;) {
        long kib = 0;
        if (word == what && in >> kib) return kib;
    }
    return -1;
}

std::string etcdctl(const etcd_server& server, const std::vector<std::string>& arguments, std::string_view input) {
    const scratch_dir dir;
    const std::string to_read = dir.path() + "/input";
    std::ofstream(to_read) << input;
    std::vector<std::string> command{"sh",
                                     "-c",
                                     "exec \"$@\" <\"$0\"",
                                     to_read,
                                     "env",
                                     "ETCDCTL_API=3",
                                     server.program().etcdctl(),
                                     "--endpoints",
                                     server.plain_url(),
                                     "--dial-timeout=20s",
                                     "--command-timeout=20s"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    process child(command, dir.path() + "/output");
    const int code = child.wait(std::chrono::seconds(30));
    const std::string said = read_file(dir.path() + "/output");
    if (code != 0) throw std::runtime_error(fmt::format("etcdctl {} ended with {}: {}", arguments.front(), code, said));
    return said;
}

std::string config_for(const endpoint_list& master, const std::vector<slave_entry>& slaves, std::string_view tables,
                       std::string_view top, std::string_view master_keys) {
    std::string text =
        fmt::format("{}\n[master]\nendpoints = [\"{}\"]\n{}\n", top, fmt::join(master.urls, "\", \""), master_keys);
    int number = 0;
    for (const slave_entry& slave : slaves) {
        text += fmt::format("[[slave]]\nname = \"slave-{}\"\nendpoints = [\"{}\"]\n{}\n", ++number,
                            fmt::join(slave.at.urls, "\", \""), slave.keys);
    }
    return text.append(tables).append("\n");
}

bool long_run() { return is_set("ETCDSYNC_LONG"); }

std::chrono::milliseconds patience(std::chrono::milliseconds limit) {
    return is_set("ETCDSYNC_SLOW") ? 4 * limit : limit;
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
    using clock = std::chrono::steady_clock;
    constexpr clock::duration longest_sleep = std::chrono::milliseconds(200);
    clock::duration left = limit;
    for (auto looked = clock::now(); !condition();) {
        if (left <= clock::duration::zero()) return false;
        const auto slept = clock::now();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        // Where all of the machine stood still for longer, what is waited for did, too.
        const auto now = clock::now();
        left -= std::min<clock::duration>(slept - looked, limit / 2) + std::min(now - slept, longest_sleep);
        looked = now;
    }
    return true;
}

}  // namespace etcdsync::test
