// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <thread>

using namespace etcdsync::test;

TEST_CASE(
    "while the master is down the daemon keeps running and does not change the slave; then it continues where it was") {
    stage on;
    fill(on.at_master, "/a/", 1'000);
    on.start_and_sync();
    on.at_master.del("/a/0005", "/a/0006");
    REQUIRE(on.settle());
    const pid_t pid = on.sync.pid();
    const std::int64_t before = on.at_slave().revision();
    SUBCASE("stopped gracefully") { on.master.terminate(); }
    SUBCASE("killed") { on.master.kill(); }
    CHECK(eventually([&] { return on.sync.logged("the master is not reachable") == 1; }, patience(20s)));
    std::this_thread::sleep_for(long_run() ? 30s : 5s);
    CHECK(on.sync.running());
    CHECK(on.at_slave().revision() == before);
    on.master.start();
    on.at_master.del("/a/0007", "/a/0008");
    CHECK(on.settle(20s));
    INFO(on.sync.output());
    CHECK(on.sync.pid() == pid);
    CHECK(later_full_syncs(on.sync) == 0);
    CHECK(on.sync.logged("the master is not reachable") == 1);
    on.finish();
}

TEST_CASE("a master is killed and restarted repeatedly under load") {
    stage on({.tables = "[replication]\nprobe_interval = \"1s\"\n"});
    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.may_fail = true;
    how.per_second = 400;
    load writer(on.master.port(), how);
    on.sync.start();
    for (int i = 0; i < (long_run() ? 10 : 3); ++i) {
        const std::int64_t before = checkpoint_revision(on.at_slave());
        REQUIRE(eventually([&] { return checkpoint_revision(on.at_slave()) > before; }, patience(30s)));
        const std::int64_t written = writer.written();
        REQUIRE(eventually([&] { return writer.written() > written + 100; }, patience(20s)));
        on.master.kill();
        on.master.start();
    }
    const std::int64_t written = writer.written();
    CHECK(eventually([&] { return writer.written() > written; }, patience(30s)));
    writer.stop();
    CHECK(on.settle(20s));
    INFO(on.sync.output());
    CHECK(on.sync.running());
    on.finish();
}

TEST_CASE("the daemon waits for a master that is paused") {
    stage on;
    fill(on.at_master, "/a/", 100);
    on.start_and_sync();
    const std::int64_t before = on.at_slave().revision();
    on.master.pause();
    std::this_thread::sleep_for(long_run() ? 30s : 3s);
    CHECK(on.sync.running());
    CHECK(on.at_slave().revision() == before);
    on.master.resume();
    CHECK(on.settle(30s));
    on.finish();
}

TEST_CASE("a daemon started before any etcd logs this once, waits, and starts the sync when they are up") {
    stage on({.start = false});
    on.sync.start();
    CHECK(eventually(
        [&] {
            return on.sync.logged("the master is not reachable") == 1 &&
                   on.sync.logged("\"disconnected; retrying\" slave=slave-1") == 1;
        },
        patience(20s)));
    std::this_thread::sleep_for(3s);  // several attempts
    CHECK(on.sync.running());
    SUBCASE("the slave first") {
        on.slave().start();
        std::this_thread::sleep_for(1s);
        on.master.start();
    }
    SUBCASE("the master first") {
        on.master.start();
        std::this_thread::sleep_for(1s);
        on.slave().start();
    }
    fill(on.at_master, "/a/", 100);
    CHECK(on.settle(20s));
    INFO(on.sync.output());
    CHECK(on.sync.logged("the master is not reachable") == 1);
    CHECK(on.sync.logged("\"disconnected; retrying\" slave=slave-1") == 1);
    on.finish();
}
