// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "unit/replication/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace etcdsync::replication {

/// A world with a second etcd-sync, "b", on another host, which reaches the same etcds at URLs of its own. The one of the world
/// is "a".
struct two_daemons : world {
    explicit two_daemons(const test::model_etcd::settings& of_master = {},
                         const test::model_etcd::settings& of_slave = {})
        : world(of_master, of_slave) {
        master_server.serve_also("http://master-b:1");
        slave_server.serve_also("http://slave-b:1");
    }
    ~two_daemons() { stop_both(); }
    two_daemons(const two_daemons&) = delete;

    void start_b() {
        b_process_ = std::make_unique<test::memory_process>(b_host);
        b_random_ = base::random_streams(1'000 + ++b_starts_);
        environment with{.dialer = dialer,
                         .clock = loop.clock,
                         .random = b_random_,
                         .log = b_log_,
                         .files = b_files_,
                         .executor = loop.executor(),
                         .on_bug = [](const std::string& bug) { FAIL_CHECK("b: " << bug); },
                         .processes = b_process_.get()};
        b_running_ = std::make_unique<replicator>(b_settings(), std::move(with));
        b_running_->start();
        loop.settle();
    }
    void stop_b() { end_b(std::chrono::seconds(5)); }
    void kill_b() { end_b({}); }
    void stop_both() {
        stop_b();
        stop();
    }

    [[nodiscard]] link_status b(std::size_t i = 0) const { return b_running_->current().links.at(i); }
    [[nodiscard]] replicator& b_running() { return *b_running_; }
    [[nodiscard]] bool b_in_sync() const { return b_running_ && b().state == link_state::in_sync && exact(); }
    [[nodiscard]] bool b_stands_by() const { return b_running_ && b().state == link_state::standby; }
    [[nodiscard]] std::string b_told() const { return joined(b_lines); }

    /// Both run; a replicates, b stands by.
    void begin() {
        many(20, "first");
        start();
        REQUIRE(settles());
        start_b();
        REQUIRE(eventually([this] { return b_stands_by(); }));
        REQUIRE(in_sync());
    }

    /// Advances the clock until `condition`. Returns how long that took, or a day if it did not happen within 5 minutes.
    aio::clock::duration time_until(const std::function<bool()>& condition) {
        const auto begun = loop.clock.now();
        if (!eventually(condition, std::chrono::minutes(5))) return std::chrono::hours(24);
        return loop.clock.now() - begun;
    }

    /// The name of the process that wrote the checkpoint, empty if it ended orderly.
    [[nodiscard]] std::string writer(const test::model_etcd& of) const {
        const auto record = parse_position(of.keys().at("/.etcd-sync/etcd-sync"));
        REQUIRE(record.has_value());
        return record->writer;
    }
    [[nodiscard]] std::string leader_value() const {
        const auto keys = slave.keys();
        const auto found = keys.find(std::string(leader_key));
        return found == keys.end() ? std::string() : found->second;
    }

    static std::string joined(const test::capture_sink& of) {
        std::string out;
        for (const std::string& line : of.lines) out += line + '\n';
        return out;
    }

    static constexpr std::string_view leader_key = "/.etcd-sync/etcd-sync:leader";
    test::memory_host b_host{"boot-2"};
    test::capture_sink b_lines;
    /// The settings of b are those of a, with other endpoints, changed by this.
    std::function<void(config::config&)> b_differs = [](config::config&) {};

private:
    [[nodiscard]] config::config b_settings() const {
        config::config out = settings;
        const auto move = [](config::endpoint& to) {
            to.host += "-b";
            to.url = "http://" + to.host + ":1";
        };
        for (config::endpoint& one : out.master.endpoints) move(one);
        for (config::slave& slave_of_b : out.slaves) {
            for (config::endpoint& one : slave_of_b.endpoints) move(one);
        }
        b_differs(out);
        return out;
    }
    void end_b(aio::clock::duration patience) {
        if (!b_running_) return;
        loop.run(b_running_->stop(patience), std::chrono::minutes(1));
        b_running_.reset();
        b_process_.reset();
    }

    observe::logger b_log_{b_lines, observe::log_level::info};
    base::random_streams b_random_{1};
    std::uint64_t b_starts_ = 0;
    test::memory_files b_files_;
    std::unique_ptr<test::memory_process> b_process_;
    std::unique_ptr<replicator> b_running_;
};

}  // namespace etcdsync::replication
