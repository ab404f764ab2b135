// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

const std::string resync = "[safety]\non_master_change = \"resync\"\n";

/// A slave in sync with 300 keys.
struct synced : stage {
    explicit synced(const std::string& tables = {}) : stage({.prefixes = {"/a/"}, .tables = tables}) {
        fill(at_master, "/a/", 300);
        start_and_sync();
    }

    /// A master with the same flags, so the same cluster and member id, and other contents, beyond the revision it had.
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
    "a master that was wiped and refilled beyond R while the daemon was away is recognised before the first write") {
    synced on;
    CHECK(on.sync.terminate() == 0);
    const key_map kept = keys_of(on.at_slave());
    const std::int64_t before = on.at_slave().revision();
    on.replace_master();
    on.sync.start();
    CHECK(on.hears("held: needs approval"));
    std::this_thread::sleep_for(500ms);
    CHECK(on.at_slave().revision() == before);
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("a master that is wiped and refilled while the daemon runs is recognised, too") {
    synced on;
    const key_map kept = keys_of(on.at_slave());
    on.at_master.put("/a/000001", "changed");
    REQUIRE(eventually([&] { return on.exact(); }, patience(10s)));
    const key_map followed = keys_of(on.at_slave());
    on.replace_master();
    CHECK(on.hears("held: needs approval", 0, 40s));
    on.at_master.put("/a/late", "1");
    std::this_thread::sleep_for(500ms);
    CHECK(difference(followed, keys_of(on.at_slave())) == "");
    CHECK(followed.size() == kept.size());
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("an emptied master of the same ids, at a lower revision, deletes nothing") {
    synced on;
    const key_map kept = keys_of(on.at_slave());
    on.master.kill();
    on.master.wipe();
    on.master.start();
    CHECK(on.hears("held: needs approval", 0, 40s));
    std::this_thread::sleep_for(500ms);
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("with on_master_change = resync the slave becomes what the new master is") {
    synced on(resync);
    on.replace_master();
    CHECK(eventually([&] { return on.exact(); }, patience(40s)));
    CHECK(on.sync.terminate() == 0);
    CHECK(on.at_slave().range("/a/000001", {}).empty());
}

TEST_CASE("a master that was only restarted is no other one") {
    synced on;
    on.at_master.del("/a/000003");
    on.master.kill();
    on.master.start();
    on.at_master.put("/a/after", "1");
    CHECK(eventually([&] { return on.exact(); }, patience(40s)));
    CHECK(on.sync.said("held: needs approval") == 0);
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("a master put back to an older state of itself and written further is recognised before the first write") {
    synced on;
    on.master.terminate();
    on.master.keep_copy();
    on.master.start();
    on.at_master.put("/a/000001", "lost with the new state");
    on.at_master.del("/a/000002");
    REQUIRE(on.settle());
    bool running = false;
    bool behind = false;  // of R, when the daemon sees it first
    SUBCASE("while the daemon was away") {}
    SUBCASE("while the daemon was away, not yet at R") { behind = true; }
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
    CHECK(on.hears("held: needs approval", 0, 40s));
    on.at_master.put("/a/late", "1");
    std::this_thread::sleep_for(500ms);
    INFO(on.sync.output());
    CHECK(on.at_slave().revision() == before);
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("of two daemons with one instance name one is held, and the data stays right") {
    synced on;
    sync_daemon second(on.config());
    second.start();
    CHECK(eventually([&] { return second.said("in sync") > 0; }, patience(20s)));
    const std::int64_t begun = on.at_slave().revision();
    for (int i = 0; i < 50; ++i) on.at_master.put(fmt::format("/a/{:06}", i), "new");
    CHECK(eventually([&] { return on.exact(); }, patience(20s)));
    CHECK(eventually([&] { return on.sync.said("held: needs approval") + second.said("held: needs approval") == 1; },
                     patience(20s)));
    CHECK(on.at_slave().revision() - begun <= 50 + 10);  // no war over the checkpoint
    CHECK(on.sync.terminate() == 0);
    CHECK(second.terminate() == 0);
}

TEST_CASE("of two daemons with one configuration started again and again in turns, the data stays right") {
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
    // One that was held looks again every probe_interval; whose writer fell silent is given up after minutes.
    on.sync.kill();
    on.sync.start();
    on.finish();
}

namespace {

/// Stops the daemon, empties the master and lets it forget that it ever had anything.
void empty_the_master(stage& on) {
    CHECK(on.sync.terminate() == 0);
    on.at_master.del(std::string_view("\0", 1), std::string_view("\0", 1));
    on.at_master.compact(on.at_master.put("/elsewhere", "1"));
}

}  // namespace

TEST_CASE("a master emptied and compacted while the daemon was away deletes nothing: held") {
    synced on;
    const key_map kept = keys_of(on.at_slave());
    empty_the_master(on);
    on.sync.start();
    CHECK(on.hears("held: needs approval"));
    INFO(on.sync.output());
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
}

TEST_CASE("a sync done once against an emptied master is held with exit 4, and done with --approve") {
    synced on;
    const key_map kept = keys_of(on.at_slave());
    empty_the_master(on);
    CHECK(on.sync.run({"sync"}) == 4);
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.run({"sync", "--approve"}) == 0);
    INFO(on.sync.output());
    CHECK(keys_of(on.at_slave()).empty());
}

TEST_CASE("deletes seen as events are obeyed, even of everything") {
    synced on;
    on.at_master.del(std::string_view("\0", 1), std::string_view("\0", 1));
    CHECK(eventually([&] { return keys_of(on.at_slave()).empty(); }, patience(20s)));
    CHECK(on.sync.said("held: needs approval") == 0);
    on.finish();
}
