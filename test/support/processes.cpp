// SPDX-License-Identifier: Apache-2.0
#include "support/processes.hpp"

#include "support/etcd_client.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <sstream>
#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace etcdsync::test {
namespace {

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::string data_parent() {
    constexpr std::uintmax_t required = 4ULL << 30;
    const char* const memory = "/dev/shm";
    std::error_code ec;
    const auto space = std::filesystem::space(memory, ec);
    if (!ec && space.available >= required && ::access(memory, W_OK) == 0) return memory;
    return std::filesystem::temp_directory_path().string();
}

}  // namespace

etcd_server::etcd_server(std::vector<std::string> extra_flags, listener_options listener, role side)
    : program_(&etcd_program::of(side)), extra_flags_(std::move(extra_flags)), listener_(std::move(listener)),
      dir_(data_parent()), port_(free_port_pair()) {
    if (listener_.needs_port()) listener_port_ = free_port_pair();
}

std::string etcd_server::plain_url() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::string etcd_server::url() const {
    return listener_.address.empty() ? plain_url() : listener_.url(dir_.path(), listener_port_);
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
    listener_options::clear(dir_.path());
    const std::vector<std::string> opened = listener_.flags(plain_url(), listener_port_);
    command.insert(command.end(), opened.begin(), opened.end());
    const std::vector<std::string> extra = program_->supported(extra_flags_);
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
    if (binary == nullptr) throw std::runtime_error("ETCD_SYNC is not set to the binary under test");
    std::vector<std::string> command{binary, "-c", config_path_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    process_ = process(command, dir_.path() + "/output");
}

int sync_daemon::run(const std::vector<std::string>& arguments, std::chrono::milliseconds limit) {
    start(arguments);
    return process_.wait(limit);
}

void sync_daemon::signal(int number) const {
    const bool has_handler = number == SIGTERM || number == SIGINT || number == SIGHUP;
    if (has_handler) eventually([&] { return handles(number); }, patience(std::chrono::seconds(5)));
    process_.signal(number);
}

int sync_daemon::terminate(std::chrono::milliseconds limit) {
    signal(SIGTERM);
    return process_.wait(limit);
}

std::string sync_daemon::output() const { return read_file(dir_.path() + "/output"); }

std::size_t sync_daemon::logged(std::string_view text) const {
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
    const std::string output = read_file(dir.path() + "/output");
    if (code != 0)
        throw std::runtime_error(
            fmt::format("etcdctl {} failed with exit code {}: {}", arguments.front(), code, output));
    return output;
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

}  // namespace etcdsync::test
