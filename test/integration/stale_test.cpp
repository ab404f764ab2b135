// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

using namespace etcdsync::test;

namespace {

const stage_options one_rule{.prefixes = {"/a/"}};

}  // namespace

TEST_CASE("keys deleted on the master while the daemon was stopped are deleted from the slave") {
    stage on(one_rule);
    fill(on.at_master, "/a/", 500);
    on.start_and_sync();
    REQUIRE(on.differs() == "");
    CHECK(on.sync.terminate() == 0);

    on.at_master.del("/a/000007");
    on.at_master.del("/a/0001", "/a/0002");
    on.at_master.put("/a/new", "1");
    on.at_master.put("/a/came and went", "1");
    on.at_master.del("/a/came and went");
    on.start_and_sync();
    CHECK(on.differs() == "");
    CHECK(on.at_slave().range("/a/000007", {}).empty());
    on.finish();
}

TEST_CASE("they are also deleted if the master has compacted the deletes") {
    stage on(one_rule);
    fill(on.at_master, "/a/", 500);
    on.start_and_sync();
    CHECK(on.sync.terminate() == 0);
    const std::int64_t after_first = on.at_slave().revision();

    on.at_master.del("/a/000000");
    on.at_master.del("/a/00010", "/a/00011");
    on.at_master.del("/a/000499");
    on.at_master.put("/a/000003", "changed");
    on.at_master.put("/a/zzz", "new");
    on.at_master.compact(on.at_master.put("/elsewhere", "1"));
    on.start_and_sync();
    CHECK(on.differs() == "");
    CHECK(on.sync.terminate() == 0);
    // 12 deletes and two puts; no equal key was rewritten.
    std::size_t writes = 0;
    for (const change& c : on.at_slave().history(after_first + 1)) writes += c.key.starts_with("/a/") ? 1 : 0;
    CHECK(writes == 14);
}

TEST_CASE("keys that were on the slave before the first sync are kept, inside and outside the span") {
    stage on(one_rule);
    fill(on.at_slave(), "/a/", 500);  // few differences among many keys, so that no guard holds the sync
    on.at_slave().put("/a/foreign", "kept");
    on.at_slave().put("/a/000003", "overwritten");
    on.at_slave().put("/a", "beside");
    on.at_slave().put("/a0", "beside");
    on.at_slave().put("/zone/x", "beside");
    const key_map kept = [&] {
        key_map keys = keys_of(on.at_slave());
        std::erase_if(keys, [](const auto& key) { return key.first.starts_with("/a/000"); });
        return keys;
    }();
    const std::int64_t before = on.at_slave().revision();
    fill(on.at_master, "/a/", 600);

    const auto expected = [&] {
        key_map keys = with_prefix(keys_of(on.at_master), {"/a/"});
        keys.insert(kept.begin(), kept.end());
        return keys;
    };
    on.start_and_sync();
    CHECK(difference(expected(), keys_of(on.at_slave())) == "");
    CHECK(eventually([&] { return on.sync.output().find("keeping foreign keys") != std::string::npos; }, patience(5s)));

    // They are kept during live changes, a restart, and a full sync that deletes.
    on.at_master.del("/a/000003");
    const std::int64_t last = on.at_master.put("/a/000004", "2");
    CHECK(eventually([&] { return follows_at(on.at_slave(), last); }, patience(10s)));
    CHECK(difference(expected(), keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
    on.at_master.del("/a/00055", "/a/00056");
    on.at_master.compact(on.at_master.put("/elsewhere", "1"));
    on.start_and_sync();
    CHECK(difference(expected(), keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
    for (const change& c : on.at_slave().history(before + 1)) CHECK_MESSAGE(!kept.contains(c.key), "touched: ", c.key);
}

TEST_CASE("a slave that is wiped while the daemon runs is filled again completely") {
    stage on(one_rule);
    fill(on.at_master, "/a/", 500);
    on.start_and_sync();
    on.wipe_slave();
    on.finish(40s);
}

TEST_CASE("a full sync that would delete too much of the slave is held, and deletes nothing") {
    stage on(one_rule);
    fill(on.at_master, "/a/", 500);
    on.start_and_sync();
    CHECK(on.sync.terminate() == 0);
    const key_map kept = keys_of(on.at_slave());
    on.at_master.del("/a/", "/a0");
    on.at_master.compact(on.at_master.put("/elsewhere", "1"));
    on.sync.start();
    CHECK(eventually([&] { return on.sync.logged("held: needs approval") > 0; }, patience(20s)));
    CHECK(on.sync.logged("max_delete") > 0);
    CHECK(difference(kept, keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("if no selected key changed, a compaction of the whole history causes no full sync") {
    stage on(one_rule);
    fill(on.at_master, "/a/", 500);
    on.start_and_sync();
    on.at_master.del("/a/000010");
    const std::int64_t last = on.at_master.put("/a/000011", "2");
    CHECK(eventually([&] { return follows_at(on.at_slave(), last); }, patience(10s)));
    CHECK(on.sync.terminate() == 0);
    std::int64_t elsewhere = 0;
    for (int i = 0; i < 10; ++i) elsewhere = on.at_master.put("/elsewhere", "1");
    on.at_master.compact(elsewhere);
    const std::size_t full_syncs = on.sync.logged("full sync");
    on.start_and_sync();
    CHECK(on.sync.logged("full sync") == full_syncs);
    const std::int64_t after = on.at_master.put("/a/after", "1");
    CHECK(eventually([&] { return follows_at(on.at_slave(), after); }, patience(10s)));
    CHECK(on.differs() == "");
    CHECK(on.sync.terminate() == 0);
}
