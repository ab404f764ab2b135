// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stage.hpp"
#include "support/etcd_cluster.hpp"
#include "support/metrics.hpp"

#include <functional>
#include <stdexcept>
#include <thread>

/// Helpers for tests with clusters of three members, some of which are down.
namespace etcdsync::test {

inline constexpr std::string_view two_prefixes = "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/b/\"\n";

inline load::options load_with_failures() {
    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.per_second = 200;
    how.may_fail = true;
    return how;
}

/// Repeats a put until it succeeds, because restarted members may still elect a leader. Returns its revision.
inline std::int64_t put_somehow(etcd_client& to, std::string_view key, std::string_view value) {
    std::int64_t revision = 0;
    const auto done = [&] {
        try {
            revision = to.put(key, value);
        } catch (const std::runtime_error&) {}
        return revision > 0;
    };
    REQUIRE(eventually(done, patience(30s)));
    return revision;
}

/// Writes a last key and checks that it arrives, that the daemon exits with 0, that every revision of the slave is exact, and that
/// there was only one full sync.
inline void finish_exact(sync_daemon& sync, etcd_client& at_master, etcd_client& at_slave) {
    const std::int64_t last = put_somehow(at_master, "/a/~last", "1");
    CHECK(eventually([&] { return at_slave.answers() && follows_at(at_slave, last); }, patience(30s)));
    CHECK(sync.terminate() == 0);
    INFO(sync.output());
    CHECK(sync.logged("held: needs approval") == 0);
    CHECK(later_full_syncs(sync) == 0);
    CHECK(difference(with_prefix(keys_of(at_master), {"/a/", "/b/"}), keys_of(at_slave)) == "");
    const exactness_report report = check_exactness(at_master, at_slave, {same_keys({"/a/", "/b/"}), "etcd-sync"});
    CHECK(report.fault == "");
    CHECK(report.state == "follow");
}

/// How long after `action` the checkpoint on the slave advances again, while there are writes to the master at `writable`. Waits a
/// moment first for requests in flight.
inline std::chrono::milliseconds time_away(std::uint16_t writable, etcd_client& at_slave,
                                           const std::function<void()>& action, std::chrono::milliseconds limit) {
    // A writer whose leader is down blocks for 7 s, so start more writers meanwhile.
    std::deque<load> writers;
    const auto one_more = [&] {
        load::options how = load_with_failures();
        how.seed = static_cast<unsigned>(writers.size());
        if (!writers.empty()) how.per_second = 20;
        writers.emplace_back(writable, how);
    };
    one_more();
    std::this_thread::sleep_for(500ms);
    const auto begin = std::chrono::steady_clock::now();
    action();
    std::this_thread::sleep_for(150ms);
    const std::int64_t reached = checkpoint_revision(at_slave);
    const auto moves = [&] {
        const auto passed = std::chrono::steady_clock::now() - begin;
        if (writers.size() < 10 && passed > writers.size() * 400ms) one_more();
        return at_slave.answers() && checkpoint_revision(at_slave) > reached + 5;
    };
    CHECK(eventually(moves, patience(limit)));
    const auto took = std::chrono::steady_clock::now() - begin;
    return std::chrono::duration_cast<std::chrono::milliseconds>(took);
}

}  // namespace etcdsync::test
