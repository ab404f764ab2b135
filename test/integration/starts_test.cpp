// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

using namespace etcdsync::test;

namespace {

constexpr std::string_view rules = "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/b/\"\n";

}  // namespace

TEST_CASE(
    "a start under constant load loses no change between the first full sync and the watch, in any of many attempts") {
    etcd_server master{role::master};
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    etcd_client at_slave(slave.port());
    fill(at_master, "/a/old/", 2'000);
    const key_mapping selected = same_keys({"/a/", "/b/"});

    const int starts = long_run() ? 50 : 10;
    for (int n = 0; n < starts; ++n) {
        CAPTURE(n);
        // Each start has its own instance name and dest, so it is always the first one.
        const std::string dest = fmt::format("/start-{}", n);
        const std::string instance = fmt::format("start-{}", n);
        const exactness_rules expected{[&](std::string_view key) {
                                           auto mapped = selected(key);
                                           if (mapped) mapped->insert(0, dest);
                                           return mapped;
                                       },
                                       instance, [&](std::string_view key) { return key.starts_with(dest + "/"); }};
        load::options how;
        how.prefixes = {"/a/", "/b/", "/other/"};
        how.per_second = 800;
        how.seed = static_cast<unsigned>(n);
        load writer(master.port(), how);
        sync_daemon sync(config_for(master, {{slave, fmt::format("dest = \"{}\"", dest)}}, rules,
                                    fmt::format("instance = \"{}\"", instance)));
        sync.start();
        CHECK(eventually([&] { return sync.logged("in sync") == 1; }, patience(30s)));
        const std::int64_t reached = checkpoint_revision(at_slave, instance);
        CHECK(eventually([&] { return checkpoint_revision(at_slave, instance) > reached + 20; }, patience(30s)));
        writer.stop();

        const std::int64_t last = at_master.put("/b/last", fmt::format("{}", n));
        CHECK(eventually([&] { return follows_at(at_slave, last, instance); }, patience(20s)));
        key_map copied;
        for (const auto& [key, value] : keys_of(at_master)) {
            if (const auto to = expected.map(key)) copied.emplace(*to, value);
        }
        CHECK(difference(copied, with_prefix(keys_of(at_slave), {dest + "/"})) == "");
        CHECK(sync.terminate() == 0);
        CHECK(check_exactness(at_master, at_slave, expected).fault == "");
    }
}

TEST_CASE("a second start against a slave in sync adds a claim, the leader key and their end, and no data") {
    stage on;
    fill(on.at_master, "/a/", 2'000);
    fill(on.at_master, "/b/", 300, 20'000);
    on.start_and_sync();
    CHECK(on.sync.terminate() == 0);
    const std::int64_t before = on.at_slave().revision();
    const std::int64_t at_start = on.at_master.revision();
    std::int64_t allowed = 4;
    SUBCASE("nothing happened on the master") {}
    SUBCASE("the master changed a key that no rule selects") { on.at_master.put("/other/1", "1"); }
    SUBCASE("the history up to this revision is compacted") {
        on.at_master.compact(on.at_master.put("/other/1", "1"));
        allowed = 10;
    }
    SUBCASE("the checkpoint on the slave is lost") {
        on.at_slave().del("/.etcd-sync/etcd-sync");
        allowed = 10;
    }
    const std::int64_t master_revision = on.at_master.revision();
    on.start_and_sync();
    CHECK(on.sync.terminate() == 0);
    INFO(on.sync.output());
    CHECK(on.at_slave().revision() - before <= allowed);
    for (const change& c : on.at_slave().history(before + 1))
        CHECK_MESSAGE(c.key.starts_with(checkpoint_prefix), c.key);
    CHECK(on.differs() == "");
    CHECK(on.at_master.revision() == master_revision);
    CHECK(master_revision - at_start <= 1);
}

TEST_CASE("a first sync does not write keys that are already equal on the slave") {
    stage on;
    fill(on.at_master, "/a/", 2'000);
    fill(on.at_slave(), "/a/", 1'990);
    on.at_slave().put("/a/000017", "another value");
    const std::int64_t before = on.at_slave().revision();
    on.start_and_sync();
    CHECK(on.sync.terminate() == 0);
    CHECK(difference(keys_of(on.at_master), keys_of(on.at_slave())) == "");
    std::size_t data = 0;
    for (const change& c : on.at_slave().history(before + 1)) data += c.key.starts_with(checkpoint_prefix) ? 0 : 1;
    CHECK(data == 11);
    CHECK(on.check().fault == "");
}
