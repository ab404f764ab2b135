// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <algorithm>
#include <thread>

using namespace etcdsync::test;

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
    stage on({.slaves = {"", ""}});
    fill(on.at_master, "/a/kept/", 1'000);
    fill(on.at_master, "/a/deleted/", 500);
    on.start_and_sync();
    load::options how;
    how.prefixes = {"/a/", "/b/"};
    how.per_second = writes_per_second;
    load writer(on.master.port(), how);
    REQUIRE(eventually([&] { return writer.written() > writes_per_second; }, patience(20s)));

    const lag before = watch_lag(on.at_master, on.at_slave(1), 3s);
    leave(on.slave());
    on.at_master.del("/a/deleted/", "/a/deleted0");
    const lag meanwhile = watch_lag(on.at_master, on.at_slave(1), away);
    come_back(on.slave());
    const auto back = steady::now();
    INFO("lag of the other slave: median ", before.median, " before, ", meanwhile.median, " meanwhile; most ",
         before.most, ", ", meanwhile.most);
    CHECK(meanwhile.median <= 2 * before.median + writes_per_second / 10);
    CHECK(meanwhile.most <= 3 * before.most + writes_per_second);

    std::this_thread::sleep_for(2s);  // it catches up with a master that goes on
    writer.stop();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(back + patience(15s) - steady::now());
    CHECK(eventually([&] { return on.exact(); }, left));
    on.finish();
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
