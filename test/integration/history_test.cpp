// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

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
    CHECK(on.hears("HELD"));
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
    CHECK(on.hears("HELD", 0, 40s));
    on.at_master.put("/a/late", "1");
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
    CHECK(on.hears("HELD", 0, 40s));
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
    CHECK(on.sync.said("HELD") == 0);
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
    CHECK(eventually([&] { return on.sync.said("HELD") + second.said("HELD") == 1; }, patience(20s)));
    CHECK(on.at_slave().revision() - begun <= 50 + 10);  // no war over the checkpoint
    CHECK(on.sync.terminate() == 0);
    CHECK(second.terminate() == 0);
}
