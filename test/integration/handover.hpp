// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stage.hpp"

#include <algorithm>
#include <thread>

/// Helpers of tests with two daemons.
namespace etcdsync::test {

using steady = std::chrono::steady_clock;

inline constexpr std::string_view standby_line = "standby: another etcd-sync replicates to this slave";

inline std::string leader_value(etcd_client& slave) {
    const key_map found = slave.range("/.etcd-sync/etcd-sync:leader", {});
    return found.empty() ? std::string() : found.begin()->second;
}

/// The pid of the leader, as it sees itself; 0: there is no leader key.
inline pid_t leader_pid(etcd_client& slave) {
    return static_cast<pid_t>(std::atoll(json_member(leader_value(slave), "pid").value_or("0").c_str()));
}

inline std::string leader_writer(etcd_client& slave) { return json_member(leader_value(slave), "writer").value_or(""); }

/// The processes that wrote `key` in the history of a slave, each run of the same one once. An orderly end is not counted.
inline std::vector<std::string> writers_of(etcd_client& slave, std::string_view key) {
    std::vector<std::string> out;
    for (const change& one : slave.history(1, key, std::string(key) + '\0')) {
        if (!one.is_put) continue;
        const std::string writer = json_member(one.value, "writer").value_or("");
        if (!writer.empty() && (out.empty() || out.back() != writer)) out.push_back(writer);
    }
    return out;
}

/// All of `some` are in `all`, in the same order. A process may lead without writing: at the end there is nothing left to write.
inline bool is_part_of(const std::vector<std::string>& some, const std::vector<std::string>& all) {
    auto at = all.begin();
    for (const std::string& one : some) {
        at = std::find(at, all.end(), one);
        if (at == all.end()) return false;
        ++at;
    }
    return true;
}

inline std::vector<std::string> terms(etcd_client& slave) { return writers_of(slave, "/.etcd-sync/etcd-sync"); }

inline load::options busy() {
    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.per_second = 300;
    return how;
}

/// Writes to the master now. Returns how long a slave takes to have that, or a day if it has not within two minutes.
inline std::chrono::milliseconds time_to_follow(stage& on, std::size_t slave = 0) {
    const auto begun = steady::now();
    const std::int64_t last = on.at_master.put("/a/~marker", fmt::format("{}", on.at_master.revision()));
    if (!eventually([&] { return follows_at(on.at_slave(slave), last); }, patience(120s))) return 24h;
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begun);
}

/// In the long form the documented time; otherwise this only checks that it happens, whatever else runs on the machine.
inline std::chrono::milliseconds promised(std::chrono::milliseconds time) { return long_run() ? patience(time) : 100s; }

/// Starts a daemon that stands by. Returns when it could take over every slave at once, or false.
inline bool start_standby(sync_daemon& daemon, std::size_t slaves = 1) {
    constexpr std::string_view connected_line = "connected to the master";
    const std::size_t before = daemon.logged(standby_line);
    const std::size_t connected = daemon.logged(connected_line);
    daemon.start();
    return eventually(
        [&] { return daemon.logged(standby_line) >= before + slaves && daemon.logged(connected_line) > connected; },
        patience(60s));
}

/// Starts `first`, which leads, and then `second`, which stands by.
inline void start_in_order(stage& on, sync_daemon& first, sync_daemon& second) {
    first.start();
    REQUIRE(eventually([&] { return leader_pid(on.at_slave()) == first.pid(); }, patience(60s)));
    REQUIRE(start_standby(second));
}

}  // namespace etcdsync::test
