// SPDX-License-Identifier: Apache-2.0
// Limits that must not depend on the number of keys, the number of missed revisions, or time. The long form uses the documented
// numbers, the short form a tenth of them.
#include "stage.hpp"

#include <algorithm>
#include <thread>

using namespace etcdsync::test;

namespace {

using steady = std::chrono::steady_clock;

/// The 99th percentile of the time until a change is on a slave.
std::chrono::microseconds lag_p99(stage& on, std::size_t slave, int samples) {
    std::vector<std::chrono::microseconds> seen;
    for (int i = 0; i < samples; ++i) {
        const auto begin = steady::now();
        const std::int64_t at = on.at_master.put("/b/lag", fmt::format("{}", i));
        while (checkpoint_revision(on.at_slave(slave)) < at) REQUIRE(steady::now() - begin < patience(20s));
        seen.push_back(std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - begin));
        std::this_thread::sleep_for(5ms);
    }
    std::sort(seen.begin(), seen.end());
    return seen[seen.size() * 99 / 100];
}

/// The peak memory in KiB of a daemon that compares `keys` equal keys. Checks that it writes none of them.
long peak_of_comparison(unsigned keys) {
    stage on({.prefixes = {"/a/"}});
    for (etcd_client* store : {&on.at_master, &on.at_slave()}) fill(*store, "/a/", keys, 64);
    const std::int64_t before = on.at_slave().revision();
    on.start_and_sync(240s);
    const long peak = on.sync.rss_kib("VmHWM:");
    CHECK(on.sync.terminate() == 0);
    for (const change& c : on.at_slave().history(before + 1)) CHECK(c.key.starts_with(checkpoint_prefix));
    CHECK(on.differs() == "");
    MESSAGE(keys, " keys: peak ", peak, " KiB");
    return peak;
}

}  // namespace

TEST_CASE(
    "a slave that misses many revisions does not increase the memory of the daemon or the lag of the other slave, and "
    "ends exact") {
    const unsigned revisions = long_run() ? 1'000'000 : 30'000;
    stage on({.slaves = {"", ""}, .tables = "[replication]\nprobe_interval = \"1s\"\n"});
    fill(on.at_master, "/a/", 2'000);
    on.start_and_sync();
    const auto before = lag_p99(on, 1, 200);
    on.slave().kill();
    for (unsigned done = 0; done < revisions; done += 10'000) {
        on.at_master.put_many(
            10'000, [&](unsigned i) { return fmt::format("/a/{:06}", (done + i * 7) % 5'000); }, std::string(100, 'v'));
        on.at_master.del(fmt::format("/a/{:06}", done % 5'000));
        // etcd needs half an hour to send all at once (see below).
        on.keep_slave(1);
        on.keep_master();
    }
    CHECK(on.settle(1, 60s));
    // A pause of the machine shows once, a delay by the other slave every time.
    auto meanwhile = lag_p99(on, 1, 200);
    const auto bound = before + before / 10 + 20ms;
    for (int again = 0; again < 2 && meanwhile > bound; ++again) meanwhile = lag_p99(on, 1, 200);
    on.slave().start();
    // For each 1,000 revisions, etcd reads the whole backlog of the watch: the time is quadratic in the number of missed revisions.
    CHECK(on.settle(long_run() ? 1'500s : 120s));
    const long peak = on.sync.rss_kib("VmHWM:");
    MESSAGE(revisions, " revisions: peak ", peak, " KiB; lag p99 ", before.count(), " us before, ", meanwhile.count(),
            " us while the other one was down");
    CHECK(peak < 32 * 1024);
    CHECK(meanwhile <= bound);
    CHECK(later_full_syncs(on.sync) == 0);
    CHECK(on.sync.terminate() == 0);
    for (std::size_t i = 0; i < on.slaves(); ++i) {
        CHECK(on.differs(i) == "");
        CHECK(on.check(i).fault == "");
    }
}

TEST_CASE("a comparison of equal keys writes nothing, and its memory does not depend on their number") {
    const unsigned keys = long_run() ? 250'000 : 25'000;
    const long few = peak_of_comparison(keys);
    const long many = peak_of_comparison(4 * keys);
    CHECK(many - few < 4 * 1024);
}

TEST_CASE("an idle daemon writes almost nothing") {
    stage on({.slaves = {"", ""}});
    fill(on.at_master, "/a/", 500);
    on.start_and_sync();
    REQUIRE(on.settle());
    std::vector<std::int64_t> before;
    for (std::size_t i = 0; i < on.slaves(); ++i) before.push_back(on.at_slave(i).revision());
    std::this_thread::sleep_for(long_run() ? 600s : 12s);
    for (std::size_t i = 0; i < on.slaves(); ++i) CHECK(on.at_slave(i).revision() - before[i] <= (long_run() ? 2 : 0));
    on.finish();
}
