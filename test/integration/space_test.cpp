// SPDX-License-Identifier: Apache-2.0
// A slave without free space, and a daemon without relevant changes.
#include "stage.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

/// The number of changes on a slave, starting at revision `from`, without checkpoints.
std::size_t data_events(etcd_client& slave, std::int64_t from) {
    std::size_t count = 0;
    for (const change& c : slave.history(from)) count += c.key.starts_with(checkpoint_prefix) ? 0 : 1;
    return count;
}

}  // namespace

TEST_CASE(
    "a slave without free space waits, the other one continues, and it recovers without a restart when it has space") {
    stage on({.prefixes = {"/a/"},
              .slaves = {"", ""},
              .tables = "[replication]\nprobe_interval = \"1s\"\n",
              .slave_flags = {"--quota-backend-bytes", "16777216"}});
    fill(on.at_master, "/a/", 300);
    on.start_and_sync();
    // Rewriting the same keys needs little data and much history. The number of writes depends on the disk: etcd checks the size
    // of its file at the last commit (every 100 ms).
    unsigned round = 0;
    const auto is_full = [&] {
        fill(on.at_master, "/a/big/", 20, 65'536 + ++round);
        return on.sync.logged("space exceeded") > 0;
    };
    REQUIRE(eventually(is_full, patience(60s)));
    CHECK(on.settle(1));
    const pid_t pid = on.sync.pid();
    const std::int64_t full = on.at_slave().revision();
    on.at_master.del("/a/00000", "/a/00001");
    on.at_master.put("/a/000100", "while it is full");
    CHECK(on.settle(1));
    std::this_thread::sleep_for(3s);
    CHECK(on.at_slave().revision() == full);
    CHECK(on.sync.logged("space exceeded") == 1);
    CHECK(on.check().fault == "");  // complete revisions, up to the one at which it was full

    on.compact_slave(full);
    etcdctl(on.slave(), {"defrag"});
    // An earlier write may raise the alarm again, even after a delay.
    CHECK(eventually(
        [&] {
            etcdctl(on.slave(), {"alarm", "disarm"});
            return on.settle(5s);
        },
        patience(40s)));
    CHECK(on.sync.pid() == pid);
    on.finish();
}

TEST_CASE("changes outside the rules write nothing to the slave, and a compaction after them causes no full sync") {
    stage on;
    fill(on.at_master, "/a/", 2'000);
    on.start_and_sync();
    REQUIRE(on.settle());
    const std::int64_t before = on.at_slave().revision();
    load::options how;
    how.prefixes = {"/other/"};
    how.per_second = 500;
    load writer(on.master.port(), how);
    // The long form is longer than the interval at which the checkpoint of an idle slave is updated.
    std::this_thread::sleep_for(long_run() ? 330s : 5s);
    CHECK(on.at_slave().revision() - before <= (long_run() ? 2 : 0));
    CHECK(data_events(on.at_slave(), before + 1) == 0);
    SUBCASE("compacted while the daemon runs") {
        on.compact_master(on.at_master.revision());
        std::this_thread::sleep_for(1s);
        REQUIRE(on.settle());
        CHECK(on.sync.terminate() == 0);
    }
    SUBCASE("compacted while the daemon is stopped") {
        CHECK(on.sync.terminate() == 0);
        on.compact_master(on.at_master.revision());
    }
    writer.stop();
    on.compact_master(on.at_master.revision());
    const std::int64_t at_rest = on.at_slave().revision();
    on.start_and_sync();
    CHECK(on.at_slave().revision() - at_rest <= 2);
    CHECK(data_events(on.at_slave(), before + 1) <= 1);
    on.finish();
    CHECK(later_full_syncs(on.sync) == 0);
}
