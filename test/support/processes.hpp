// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_program.hpp"
#include "support/listener_options.hpp"
#include "support/process.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace etcdsync::test {

/// A single-member etcd on loopback with its own data directory. It always listens in plaintext on
/// port(), for the tests, and at a second address if its listener options have one.
class etcd_server {
public:
    explicit etcd_server(std::vector<std::string> extra_flags = {}, listener_options listener = {},
                         role side = role::slave);
    etcd_server(std::vector<std::string> extra_flags, role side) : etcd_server(std::move(extra_flags), {}, side) {}
    explicit etcd_server(role side) : etcd_server({}, {}, side) {}

    void start();  ///< starts it and waits until it answers
    void start_without_waiting();
    void kill() { process_.kill(); }                        ///< SIGKILL
    void terminate();                                       ///< sends SIGTERM and waits
    void pause() const { process_.stop(); }                 ///< SIGSTOP
    void resume() const { process_.signal(18); }            ///< SIGCONT
    void wipe();                                            ///< removes its data; it must not run
    void keep_copy();                                       ///< copies its data; it must not run
    void put_copy_back();                                   ///< restores the copy; it must not run
    void add_flags(const std::vector<std::string>& flags);  ///< later flags override earlier ones

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url() const;  ///< for the daemon
    [[nodiscard]] std::string plain_url() const;
    [[nodiscard]] std::string initial_cluster() const;  ///< its own entry: name=peer-url
    [[nodiscard]] std::string log() const;
    [[nodiscard]] const etcd_program& program() const { return *program_; }

private:
    [[nodiscard]] std::string data() const;

    const etcd_program* program_;
    std::vector<std::string> extra_flags_;
    listener_options listener_;
    scratch_dir dir_;  ///< in memory if there is space, so that tests do not wait for a disk
    std::uint16_t port_;
    std::uint16_t listener_port_ = 0;
    process process_;
};

/// A daemon of the binary under test (environment variable ETCD_SYNC).
class sync_daemon {
public:
    /// Writes `config` to a temporary file.
    explicit sync_daemon(std::string config);

    void start(const std::vector<std::string>& arguments = {"run"});
    /// Runs a command to its end. Returns its exit status, or -1 if it still runs after `limit`.
    int run(const std::vector<std::string>& arguments,
            std::chrono::milliseconds limit = patience(std::chrono::seconds(30)));
    void kill() { process_.kill(); }
    /// Sends a signal. Waits for the handler of a daemon that just started.
    void signal(int number) const;
    [[nodiscard]] bool handles(int number) const { return process_.handles(number); }
    /// Sends SIGTERM. Returns the exit status.
    int terminate(std::chrono::milliseconds limit = patience(std::chrono::seconds(15)));
    int wait(std::chrono::milliseconds limit) { return process_.wait(limit); }
    [[nodiscard]] bool running() { return process_.running(); }
    [[nodiscard]] pid_t pid() const { return process_.pid(); }
    [[nodiscard]] std::chrono::milliseconds time_without_processor() const { return process_.time_without_processor(); }

    /// stdout and stderr of all runs.
    [[nodiscard]] std::string output() const;
    /// How often `text` occurs in the output.
    [[nodiscard]] std::size_t logged(std::string_view text) const;
    [[nodiscard]] const std::string& config_path() const { return config_path_; }
    /// A memory size from /proc in KiB: the resident set, or "VmHWM:" for its peak.
    [[nodiscard]] long rss_kib(const char* what = "VmRSS:") const;

private:
    scratch_dir dir_;
    std::string config_path_;
    process process_;
};

/// Runs etcdctl against `server` in plaintext, with `input` as stdin. Returns its output. Throws if
/// it fails.
std::string etcdctl(const etcd_server& server, const std::vector<std::string>& arguments, std::string_view input = {});

/// The endpoints of an etcd, in order of preference.
struct endpoint_list {
    endpoint_list(const etcd_server& only) : urls{only.url()} {}  // NOLINT: a server is its endpoint
    explicit endpoint_list(std::vector<std::string> all) : urls(std::move(all)) {}
    std::vector<std::string> urls;
};

/// A [[slave]] table of a configuration: its endpoints and further lines.
struct slave_entry {
    slave_entry(const etcd_server& server, std::string with = {})  // NOLINT: a server is an entry
        : at(server), keys(std::move(with)) {}
    explicit slave_entry(endpoint_list servers, std::string with = {})
        : at(std::move(servers)), keys(std::move(with)) {}
    endpoint_list at;
    std::string keys;
};

/// Builds a configuration with slaves slave-1, slave-2 and so on. `tables` contains the rules and
/// other tables, `top` the lines before all tables, `master_keys` further lines of [master].
std::string config_for(const endpoint_list& master, const std::vector<slave_entry>& slaves, std::string_view tables,
                       std::string_view top = {}, std::string_view master_keys = {});

}  // namespace etcdsync::test
