// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/daemon.hpp"
#include "observe/log_line.hpp"
#include "support/memory_files.hpp"
#include "support/memory_processes.hpp"
#include "support/model_server.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace etcdsync::test {

/// Keeps log lines in the JSON format.
class json_lines final : public observe::log_sink {
public:
    explicit json_lines(const aio::clock& clock) : clock_(clock) {}
    void write(observe::log_level level, std::string_view message,
               std::span<const observe::log_field> fields) override {
        lines.push_back(
            observe::render_line({.format = observe::log_format::json}, clock_.wall(), level, message, fields));
    }
    /// The number of lines with this message and, if `slave` is not empty, this slave.
    [[nodiscard]] std::size_t count(std::string_view message, std::string_view slave = {}) const;

    std::vector<std::string> lines;

private:
    const aio::clock& clock_;
};

/// A machine that runs etcd-sync, a master and two slaves, all in memory and with a clock that only the test advances. Its
/// configuration is a TOML file that copies "/app/" to both slaves.
class machine {
public:
    machine();
    ~machine();

    /// Starts the daemon as a new process, from the configuration file.
    void start();
    /// Sends SIGTERM. Returns the exit code of the daemon.
    app::exit_code terminate();
    /// Like kill -9: requests in flight are lost, and no more are sent.
    void kill();

    /// Writes to the master as another client does.
    void put(std::string_view key, std::string_view value);
    void put_many(int count, std::string_view value);

    /// Advances the clock until the condition is true. False after two minutes.
    bool eventually(const std::function<bool()>& condition);
    /// Advances the clock until both slaves are in sync and equal to the master. False after two minutes.
    bool settles() {
        return eventually([this] { return in_sync() && equal(edge_1) && equal(edge_2); });
    }
    [[nodiscard]] bool in_sync() const;
    /// True if the slave has exactly the selected keys and values of the master, apart from its checkpoint.
    [[nodiscard]] bool equal(const model_etcd& slave) const;

    test_loop loop;
    memory_dialer dialer{loop.clock};
    memory_files files;
    model_etcd master;
    model_etcd edge_1;
    model_etcd edge_2;
    model_server master_server{loop, dialer, "http://master:2379", master};
    model_server edge_1_server{loop, dialer, "http://edge-1:2379", edge_1};
    model_server edge_2_server{loop, dialer, "http://edge-2:2379", edge_2};
    json_lines log{loop.clock};

private:
    /// The objects that are lost with a process.
    struct process {
        process(machine& on, const config::config& settings, std::uint64_t seed);
        app::environment environment(machine& on);

        memory_process self;
        observe::logger logger;
        app::signals signals;
        base::random_streams random;
        aio::task_group tasks;
        app::daemon daemon;
        std::optional<app::exit_code> ended;
    };

    memory_host host_;
    std::unique_ptr<process> running_;
    std::uint64_t starts_ = 0;
};

}  // namespace etcdsync::test
