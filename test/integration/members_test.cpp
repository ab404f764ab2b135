// SPDX-License-Identifier: Apache-2.0
// Masters and slaves with three members.
#include "away.hpp"

using namespace etcdsync::test;

namespace {

/// Small Txns keep a full sync running long enough for the test.
constexpr std::string_view short_intervals =
    "[replication]\nprobe_interval = \"1s\"\nrequest_timeout = \"1s\"\ntxn_max_bytes = \"4KiB\"\n";

}  // namespace

TEST_CASE("a Txn of a full sync that was sent to a paused member, and executes after the failover, does no harm") {
    etcd_server master{role::master};
    etcd_cluster slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    fill(at_master, "/a/kept/", 20'000);
    load writer(master.port(), load_with_failures());
    const int rounds = long_run() ? 12 : 3;
    std::mt19937 random(5);
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        // In every third round it is the leader, so the others must elect another one.
        const std::size_t stalled = round % 3 == 2 ? slave.leader() : slave.follower();
        etcd_client& at_slave = slave.at((stalled + 1) % etcd_cluster::size);
        const std::string instance = fmt::format("round-{}", round);
        const std::string dest = fmt::format("/{}", instance);
        sync_daemon sync(config_for(master, {slave_entry(slave.endpoints(stalled), fmt::format("dest = \"{}\"", dest))},
                                    std::string(two_prefixes) + std::string(short_intervals),
                                    fmt::format("instance = \"{}\"", instance)));
        const std::int64_t before = at_slave.revision();
        sync.start();
        REQUIRE(eventually([&] { return at_slave.revision() > before + 20; }, patience(20s)));
        // Check this before the pause: an election may take longer than the rest of the full sync.
        CHECK(json_member(checkpoint_of(at_slave, instance), "state") == "full_sync");
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
        slave.member(stalled).pause();
        const std::int64_t paused = checkpoint_revision(at_slave, instance);
        // Wait until the other members serve.
        const std::string left = checkpoint_of(at_slave, instance);
        CHECK(
            eventually([&] { return at_slave.answers() && checkpoint_of(at_slave, instance) != left; }, patience(20s)));
        slave.member(stalled).resume();
        const std::int64_t last = at_master.put("/a/~last", fmt::format("{}", round));
        CHECK(eventually([&] { return follows_at(at_slave, last, instance); }, patience(60s)));
        CHECK(checkpoint_revision(at_slave, instance) > paused);
        CHECK(sync.terminate() == 0);
        INFO(sync.output());
        const key_mapping map = [dest, same = same_keys({"/a/", "/b/"})](std::string_view key) {
            auto mapped = same(key);
            if (mapped) mapped->insert(0, dest);
            return mapped;
        };
        const exactness_report report = check_exactness(
            at_master, at_slave, {map, instance, [dest](std::string_view key) { return key.starts_with(dest + "/"); }});
        CHECK(report.fault == "");
        CHECK(report.state == "follow");
    }
    writer.stop();
}

TEST_CASE(
    "a member of the master that is far behind, and is the preferred endpoint, is not treated as a rewound master") {
    etcd_cluster master{role::master};
    etcd_server slave;
    master.start();
    slave.start();
    const std::size_t late = master.follower();
    etcd_client& at_master = master.at((late + 1) % etcd_cluster::size);
    etcd_client at_slave(slave.port());
    fill(at_master, "/a/", 500);
    sync_daemon sync(config_for(master.endpoints(late), {slave}, two_prefixes));
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") == 1; }, patience(30s)));
    const bool longer = long_run();
    const auto fall_behind = [&] {
        master.member(late).pause();
        at_master.del("/a/0001", "/a/0002");
        at_master.put_many(
            3'000, [](unsigned i) { return fmt::format("/a/{:06}", i % 500); }, "new");
    };
    SUBCASE("while the daemon is stopped") {
        CHECK(sync.terminate() == 0);
        fall_behind();
        sync.start();
        std::this_thread::sleep_for(longer ? 5s : 1s);
        master.member(late).resume();
    }
    SUBCASE("while the daemon is stopped, and it starts when the member resumes") {
        CHECK(sync.terminate() == 0);
        fall_behind();
        master.member(late).resume();
        sync.start();
    }
    SUBCASE("while the daemon follows it") {
        fall_behind();
        std::this_thread::sleep_for(longer ? 10s : 1s);
        master.member(late).resume();
    }
    finish_exact(sync, at_master, at_slave);
}

TEST_CASE("when a member of the master is killed under load, the daemon uses the next one") {
    etcd_cluster master{role::master};
    etcd_server slave;
    master.start();
    slave.start();
    const std::size_t first = master.leader();
    etcd_client& at_master = master.at((first + 1) % etcd_cluster::size);
    etcd_client at_slave(slave.port());
    fill(at_master, "/a/kept/", 500);
    load writer(master.member((first + 1) % etcd_cluster::size).port(), load_with_failures());
    sync_daemon sync(
        config_for(master.endpoints(first), {slave}, std::string(two_prefixes) + std::string(short_intervals)));
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") == 1; }, patience(30s)));
    master.member(first).kill();
    std::this_thread::sleep_for(3s);
    const std::int64_t reached = checkpoint_revision(at_slave);
    CHECK(eventually([&] { return checkpoint_revision(at_slave) > reached + 100; }, patience(20s)));
    master.member(first).start();
    writer.stop();
    finish_exact(sync, at_master, at_slave);
}
