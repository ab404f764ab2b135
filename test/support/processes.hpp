// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_program.hpp"
#include "support/front_door.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace etcdsync::test {

/// A test may take longer than a person waits: ETCDSYNC_LONG is set.
bool long_run();

/// `limit`, and four times as long where the daemon runs under a sanitizer (ETCDSYNC_SLOW is set).
std::chrono::milliseconds patience(std::chrono::milliseconds limit);

/// A directory that goes with its owner.
class scratch_dir {
public:
    scratch_dir();
    explicit scratch_dir(const std::string& parent);
    ~scratch_dir();
    scratch_dir(const scratch_dir&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// Two loopback ports nobody listens on now, from a range the kernel does not hand out by itself.
std::uint16_t free_port_pair();

/// A child process of ours; killed with its owner. Only processes started here are ever signalled.
class process {
public:
    process() = default;
    /// In `directory`, where one is given. It is that program, and no copy of this one any more, when this returns.
    process(const std::vector<std::string>& command, const std::string& output_file, const std::string& directory = {});
    ~process();
    process(process&& other) noexcept;
    process& operator=(process&& other) noexcept;

    void signal(int number) const;
    /// Whether it handles this signal by itself by now: one just started does not.
    [[nodiscard]] bool handles(int number) const;
    /// SIGSTOP, and waits until every thread of it stands still: on a busy machine some go on for a moment.
    void stop() const;
    /// SIGKILL, and waits.
    void kill();
    /// Waits until it ends by itself: its exit status, 128 + signal, or -1 where it still runs after `limit`.
    int wait(std::chrono::milliseconds limit);
    [[nodiscard]] bool running();
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// How long its main thread has been ready to run but other processes had the processors. Until wait().
    [[nodiscard]] std::chrono::milliseconds time_without_processor() const;

private:
    pid_t pid_ = -1;
};

/// A single-member etcd on loopback, with its data in a directory of its own. It always listens in plaintext on port(), which is
/// where tests look at it; with a front door it listens there, too.
class etcd_server {
public:
    explicit etcd_server(std::vector<std::string> extra_flags = {}, front_door door = {}, role plays = role::slave);
    etcd_server(std::vector<std::string> extra_flags, role plays) : etcd_server(std::move(extra_flags), {}, plays) {}
    explicit etcd_server(role plays) : etcd_server({}, {}, plays) {}

    void start();  ///< and waits until it answers
    void start_without_waiting();
    void kill() { process_.kill(); }                        ///< SIGKILL
    void terminate();                                       ///< SIGTERM, and waits
    void pause() const { process_.stop(); }                 ///< SIGSTOP
    void resume() const { process_.signal(18); }            ///< SIGCONT
    void wipe();                                            ///< its data; it must not run
    void keep_copy();                                       ///< of its data, as of now; it must not run
    void put_copy_back();                                   ///< its data is as it was at keep_copy(); it must not run
    void add_flags(const std::vector<std::string>& flags);  ///< a later one wins over an earlier one

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url() const;  ///< of its front door: what a daemon is told
    [[nodiscard]] std::string plain_url() const;
    [[nodiscard]] std::string initial_cluster() const;  ///< itself as a member: name=peer-url
    [[nodiscard]] std::string log() const;
    [[nodiscard]] const etcd_program& program() const { return *program_; }

private:
    [[nodiscard]] std::string data() const;

    const etcd_program* program_;
    std::vector<std::string> extra_flags_;
    front_door door_;
    scratch_dir dir_;  ///< in memory where there is room: a test waits for answers, not for a disk
    std::uint16_t port_;
    std::uint16_t door_port_ = 0;
    process process_;
};

/// The binary under test: ETCD_SYNC of the environment.
class sync_daemon {
public:
    /// Writes `config` to a file of its own.
    explicit sync_daemon(std::string config);

    void start(const std::vector<std::string>& arguments = {"run"});
    /// Runs a command to its end: its exit status, or -1 where it still runs after `limit`.
    int run(const std::vector<std::string>& arguments,
            std::chrono::milliseconds limit = patience(std::chrono::seconds(30)));
    void kill() { process_.kill(); }
    /// One just started is given the time to listen for it, where it ever does.
    void signal(int number) const;
    [[nodiscard]] bool handles(int number) const { return process_.handles(number); }
    /// SIGTERM; its exit status.
    int terminate(std::chrono::milliseconds limit = patience(std::chrono::seconds(15)));
    int wait(std::chrono::milliseconds limit) { return process_.wait(limit); }
    [[nodiscard]] bool running() { return process_.running(); }
    [[nodiscard]] pid_t pid() const { return process_.pid(); }
    [[nodiscard]] std::chrono::milliseconds time_without_processor() const { return process_.time_without_processor(); }

    /// Both outputs of all runs so far.
    [[nodiscard]] std::string output() const;
    /// How often `text` stands in it.
    [[nodiscard]] std::size_t said(std::string_view text) const;
    [[nodiscard]] const std::string& config_path() const { return config_path_; }
    /// Resident set, KiB, and its peak.
    [[nodiscard]] long rss_kib(const char* what = "VmRSS:") const;

private:
    scratch_dir dir_;
    std::string config_path_;
    process process_;
};

/// etcdctl, asked at `server` in plaintext, with `input` to read: what it printed. Throws what went wrong.
std::string etcdctl(const etcd_server& server, const std::vector<std::string>& arguments, std::string_view input = {});

/// The endpoints of one etcd, in the order they are tried.
struct endpoint_list {
    endpoint_list(const etcd_server& only) : urls{only.url()} {}  // NOLINT: a server is its endpoint
    explicit endpoint_list(std::vector<std::string> all) : urls(std::move(all)) {}
    std::vector<std::string> urls;
};

/// One [[slave]] of a configuration: where it is, and further lines of its table.
struct slave_entry {
    slave_entry(const etcd_server& server, std::string with = {})  // NOLINT: a server is an entry
        : at(server), keys(std::move(with)) {}
    explicit slave_entry(endpoint_list servers, std::string with = {})
        : at(std::move(servers)), keys(std::move(with)) {}
    endpoint_list at;
    std::string keys;
};

/// A configuration: slaves are named slave-1, slave-2, ... `tables` holds the rules and what else goes behind the slaves, `top`
/// what stands above all tables, `master_keys` further lines of [master].
std::string config_for(const endpoint_list& master, const std::vector<slave_entry>& slaves, std::string_view tables,
                       std::string_view top = {}, std::string_view master_keys = {});

/// Looks every 20 ms until `condition` holds. False after `limit`, in which a pause of the machine does not count.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit);

}  // namespace etcdsync::test
