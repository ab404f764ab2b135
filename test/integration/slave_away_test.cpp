// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <algorithm>
#include <thread>

using namespace etcdsync::test;

namespace {

using steady = std::chrono::steady_clock;

/// Samples of the number of revisions that a slave is behind.
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

/// Two slaves under constant load. `stop` takes one of them down for the duration `downtime`, `restart` brings it back.
void take_one_slave_down(std::chrono::seconds downtime, const std::function<void(etcd_server&)>& stop,
                         const std::function<void(etcd_server&)>& restart) {
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
    stop(on.slave());
    on.at_master.del("/a/deleted/", "/a/deleted0");
    const lag meanwhile = watch_lag(on.at_master, on.at_slave(1), downtime);
    restart(on.slave());
    const auto back = steady::now();
    INFO("lag of the other slave: median ", before.median, " before, ", meanwhile.median, " meanwhile; most ",
         before.most, ", ", meanwhile.most);
    CHECK(meanwhile.median <= 2 * before.median + writes_per_second / 10);
    CHECK(meanwhile.most <= 3 * before.most + writes_per_second);

    std::this_thread::sleep_for(2s);  // it catches up while the writes continue
    writer.stop();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(back + patience(15s) - steady::now());
    CHECK(eventually([&] { return on.exact(); }, left));
    on.finish();
}

}  // namespace

TEST_CASE("a slave killed under load is exact again soon after its restart, and the other slave is not delayed") {
    take_one_slave_down(
        long_run() ? 15s : 5s, [](etcd_server& slave) { slave.kill(); }, [](etcd_server& slave) { slave.start(); });
}

TEST_CASE("a slave paused under load is exact again soon after it resumes, and the other slave is not delayed") {
    // The pause is longer than the request timeout, so requests are repeated.
    take_one_slave_down(
        long_run() ? 15s : 8s, [](etcd_server& slave) { slave.pause(); }, [](etcd_server& slave) { slave.resume(); });
}
