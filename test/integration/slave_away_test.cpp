// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"
#include "support/exact.hpp"
#include "support/exactness_checker.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

using steady = std::chrono::steady_clock;

/// How far a slave is behind, looked at again and again.
struct lag {
    std::int64_t median = 0;
    std::int64_t most = 0;
};

lag watch_lag(etcd_client& master, etcd_client& slave, std::chrono::milliseconds how_long) {
    std::vector<std::int64_t> seen;
    const auto until = steady::now() + how_long;
    while (steady::now() < until) {
        const std::int64_t applied = checkpoint_revision(slave);
        seen.push_back(std::max<std::int64_t>(0, master.revision() - applied));
        std::this_thread::sleep_for(20ms);
    }
    std::sort(seen.begin(), seen.end());
    return {seen[seen.size() / 2], seen.back()};
}

constexpr unsigned writes_per_second = 500;

/// Two slaves under constant writes; one goes away and comes back by `leave` and `come_back`.
void one_slave_goes_away(std::chrono::seconds away, const std::function<void(etcd_server&)>& leave,
                         const std::function<void(etcd_server&)>& come_back) {
    etcd_server master;
    etcd_server slave_1;
    etcd_server slave_2;
    for (etcd_server* server : {&master, &slave_1, &slave_2}) server->start();
    etcd_client at_master(master.port());
    etcd_client at_slave_2(slave_2.port());
    fill(at_master, "/a/kept/", 1'000);
    fill(at_master, "/a/deleted/", 500);
    sync_daemon sync(
        config_for(master, {slave_1, slave_2}, "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/b/\"\n"));
    sync.start();
    REQUIRE(eventually([&] { return sync.said("in sync") == 2; }, patience(30s)));
    load::options how;
    how.prefixes = {"/a/", "/b/"};
    how.per_second = writes_per_second;
    load writer(master.port(), how);
    REQUIRE(eventually([&] { return writer.written() > writes_per_second; }, patience(20s)));

    const lag before = watch_lag(at_master, at_slave_2, 3s);
    leave(slave_1);
    at_master.del("/a/deleted/", "/a/deleted0");
    const lag meanwhile = watch_lag(at_master, at_slave_2, away);
    come_back(slave_1);
    const auto back = steady::now();
    INFO("lag of the other slave: median ", before.median, " before, ", meanwhile.median, " meanwhile; most ",
         before.most, ", ", meanwhile.most);
    CHECK(meanwhile.median <= 2 * before.median + writes_per_second / 10);
    CHECK(meanwhile.most <= 3 * before.most + writes_per_second);

    std::this_thread::sleep_for(2s);  // it catches up with a master that goes on
    writer.stop();
    etcd_client at_slave_1(slave_1.port());
    const key_map expected = keys_of(at_master);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(back + patience(15s) - steady::now());
    CHECK(eventually(
        [&] {
            return difference(expected, keys_of(at_slave_1)).empty() &&
                   difference(expected, keys_of(at_slave_2)).empty();
        },
        left));
    INFO(sync.output());
    CHECK(difference(expected, keys_of(at_slave_1)) == "");
    CHECK(difference(expected, keys_of(at_slave_2)) == "");
    CHECK(sync.terminate() == 0);
    for (etcd_client* slave : {&at_slave_1, &at_slave_2}) {
        const exactness_report report = check_exactness(at_master, *slave, {same_keys({"/"}), "etcd-sync", {}});
        CHECK(report.fault == "");
        CHECK(report.state == "follow");
    }
}

}  // namespace

TEST_CASE("a slave killed under load is exact again soon after it is back, and the other one does not notice") {
    one_slave_goes_away(
        long_run() ? 15s : 5s, [](etcd_server& slave) { slave.kill(); }, [](etcd_server& slave) { slave.start(); });
}

TEST_CASE(
    "a slave that stands still under load is exact again soon after it goes on, and the other one does not notice") {
    // Longer than a request may take: it is given up and tried again.
    one_slave_goes_away(
        long_run() ? 15s : 8s, [](etcd_server& slave) { slave.pause(); }, [](etcd_server& slave) { slave.resume(); });
}
