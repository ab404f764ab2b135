// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

const std::string resync = "[safety]\non_master_change = \"resync\"\n";

/// A stage whose slave is in sync, with 300 keys.
struct synced : stage {
    explicit synced(const std::string& tables = {}) : stage({.prefixes = {"/a/"}, .tables = tables}) {
        fill(at_master, "/a/", 300);
        start_and_sync();
    }

    /// Replaces the data of the master, up to a higher revision than before. The cluster and member ids do not change.
    void replace_master() {
        const std::int64_t had = at_master.revision();
        master.kill();
        master.wipe();
        master.start();
        for (int i = 0; at_master.revision() <= had + 5; ++i) at_master.put(fmt::format("/a/other{}", i), "other");
    }
};

}  // namespace

TEST_CASE(
    "a master that was wiped and refilled beyond R while the daemon was stopped is detected before the first write") {
    synced on;
    CHECK(on.sync.terminate() == 0);
    const key_map kept = keys_of(on.at_slave());
    const std::int64_t before = on.at_slave().revision();
    on.replace_master();
    on.sync.start();
    CHECK(on.await_log("held: needs approval"));
    std::this_thread::sleep_for(500ms);
    CHECK(on.at_slave().revision() <= before + 2);  // the leader key, and the checkpoint remembers what was seen
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("a master that is wiped and refilled while the daemon runs is detected, too") {
    synced on;
    const key_map kept = keys_of(on.at_slave());
    on.at_master.put("/a/000001", "changed");
    REQUIRE(eventually([&] { return on.exact(); }, patience(10s)));
    const key_map followed = keys_of(on.at_slave());
    on.replace_master();
    CHECK(on.await_log("held: needs approval", 0, 40s));
    on.at_master.put("/a/late", "1");
    std::this_thread::sleep_for(500ms);
    CHECK(difference(followed, keys_of(on.at_slave())) == "");
    CHECK(followed.size() == kept.size());
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("an emptied master with the same ids and a lower revision deletes nothing") {
    synced on;
    const key_map kept = keys_of(on.at_slave());
    on.master.kill();
    on.master.wipe();
    on.master.start();
    CHECK(on.await_log("held: needs approval", 0, 40s));
    std::this_thread::sleep_for(500ms);
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("with on_master_change = resync the slave becomes equal to the new master") {
    synced on(resync);
    on.replace_master();
    CHECK(eventually([&] { return on.exact(); }, patience(40s)));
    CHECK(on.sync.terminate() == 0);
    CHECK(on.at_slave().range("/a/000001", {}).empty());
}

TEST_CASE("a restarted master is not treated as a different one") {
    synced on;
    on.at_master.del("/a/000003");
    on.master.kill();
    on.master.start();
    on.at_master.put("/a/after", "1");
    CHECK(eventually([&] { return on.exact(); }, patience(40s)));
    CHECK(on.sync.logged("held: needs approval") == 0);
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("a master that was restored from a backup and then written to is detected before the first write") {
    synced on;
    on.master.terminate();
    on.master.keep_copy();
    on.master.start();
    on.at_master.put("/a/000001", "lost with the new state");
    on.at_master.del("/a/000002");
    REQUIRE(on.settle());
    bool running = false;
    bool behind = false;  // true: the master is behind R when the daemon connects to it
    SUBCASE("while the daemon was stopped") {}
    SUBCASE("while the daemon was stopped, not yet at R") { behind = true; }
    SUBCASE("while the daemon runs") { running = true; }
    SUBCASE("while the daemon runs, not yet at R") { running = behind = true; }
    if (!running) CHECK(on.sync.terminate() == 0);
    const std::int64_t r = on.at_master.revision();
    const key_map kept = keys_of(on.at_slave());
    const std::int64_t before = on.at_slave().revision();
    on.master.terminate();
    on.master.put_copy_back();
    on.master.start();
    REQUIRE(on.at_master.revision() < r);
    if (behind) {
        on.at_master.put("/a/other", "1");
    } else {
        for (int i = 0; on.at_master.revision() <= r + 5; ++i) on.at_master.put(fmt::format("/a/other{}", i), "other");
    }
    if (!running) on.sync.start();
    CHECK(on.await_log("held: needs approval", 0, 40s));
    on.at_master.put("/a/late", "1");
    std::this_thread::sleep_for(500ms);
    INFO(on.sync.output());
    CHECK(on.at_slave().revision() <= before + 2);  // the leader key, and the checkpoint remembers what was seen
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("of two daemons with the same configuration the second one writes nothing, and the data stays exact") {
    synced on;
    sync_daemon second(on.config());
    second.start();
    CHECK(eventually([&] { return second.logged("standby: another etcd-sync") == 1; }, patience(20s)));
    const std::int64_t begun = on.at_slave().revision();
    for (int i = 0; i < 50; ++i) on.at_master.put(fmt::format("/a/{:06}", i), "new");
    CHECK(eventually([&] { return on.exact(); }, patience(20s)));
    CHECK(on.at_slave().revision() - begun <= 50);
    CHECK(on.sync.logged("held: needs approval") + second.logged("held: needs approval") == 0);
    CHECK(second.logged("in sync") == 0);
    CHECK(on.sync.terminate() == 0);
    CHECK(second.terminate() == 0);
}

TEST_CASE("two daemons with the same configuration are started alternately, and the data stays exact") {
    synced on;
    sync_daemon second(on.config());
    load::options how;
    how.prefixes = {"/a/"};
    how.per_second = 200;
    load writer(on.master.port(), how);
    for (int i = 0; i < (long_run() ? 10 : 3); ++i) {
        second.start();
        std::this_thread::sleep_for(400ms);
        on.sync.kill();
        std::this_thread::sleep_for(200ms);
        on.sync.start();
        std::this_thread::sleep_for(400ms);
        second.kill();
    }
    writer.stop();
    CHECK(on.sync.logged("held: needs approval") + second.logged("held: needs approval") == 0);
    on.finish();
}

namespace {

/// Stops the daemon, deletes all keys of the master and compacts it.
void empty_the_master(stage& on) {
    CHECK(on.sync.terminate() == 0);
    on.at_master.del(std::string_view("\0", 1), std::string_view("\0", 1));
    on.at_master.compact(on.at_master.put("/elsewhere", "1"));
}

}  // namespace

TEST_CASE("a master that was emptied and compacted while the daemon was stopped holds the sync and deletes nothing") {
    synced on;
    const key_map kept = keys_of(on.at_slave());
    empty_the_master(on);
    on.sync.start();
    CHECK(on.await_log("held: needs approval"));
    INFO(on.sync.output());
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
}

TEST_CASE("`sync` against an emptied master is held with exit 4, and completes with --approve") {
    synced on;
    const key_map kept = keys_of(on.at_slave());
    empty_the_master(on);
    CHECK(on.sync.run({"sync"}) == 4);
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.run({"sync", "--approve"}) == 0);
    INFO(on.sync.output());
    CHECK(keys_of(on.at_slave()).empty());
}

TEST_CASE("deletes that arrive as events are applied, even of all keys") {
    synced on;
    on.at_master.del(std::string_view("\0", 1), std::string_view("\0", 1));
    CHECK(eventually([&] { return keys_of(on.at_slave()).empty(); }, patience(20s)));
    CHECK(on.sync.logged("held: needs approval") == 0);
    on.finish();
}
