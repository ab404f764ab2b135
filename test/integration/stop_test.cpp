// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"
#include "support/exact.hpp"
#include "support/exactness_checker.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <random>
#include <thread>

using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view rules = "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/b/\"\n";
constexpr auto promised = 5s;

exactness_report check(etcd_client& master, etcd_client& slave) {
    return check_exactness(master, slave, {same_keys({"/a/", "/b/"}), "etcd-sync", {}});
}

}  // namespace

TEST_CASE("asked to stop under load the daemon ends in time with 0 and leaves a consistent slave") {
    etcd_server master;
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    etcd_client at_slave(slave.port());
    fill(at_master, "/a/", 1'000);
    load::options how;
    how.prefixes = {"/a/", "/b/"};
    load writer(master.port(), how);
    sync_daemon sync(config_for(master, {slave}, rules));
    std::mt19937 random(3);
    for (const int number : {SIGTERM, SIGINT, SIGTERM, SIGINT, SIGTERM, SIGTERM}) {
        const std::int64_t before = checkpoint_revision(at_slave);
        sync.start();
        REQUIRE(eventually([&] { return checkpoint_revision(at_slave) > before; }, patience(30s)));
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
        sync.signal(number);
        CHECK(sync.wait(promised) == 0);
        const std::int64_t stopped = at_slave.revision();
        std::this_thread::sleep_for(20ms);
        CHECK(at_slave.revision() == stopped);
    }
    writer.stop();
    CHECK(sync.said("stopping") == 6);
    CHECK(check(at_master, at_slave).fault == "");
    const std::int64_t last = at_master.put("/a/last", "1");
    sync.start();
    CHECK(eventually([&] { return follows_at(at_slave, last); }, patience(30s)));
    CHECK(difference(keys_of(at_master), keys_of(at_slave)) == "");
    CHECK(sync.terminate() == 0);
    CHECK(check(at_master, at_slave).fault == "");
}

TEST_CASE("asked to stop during a full sync it ends in time, and the next start goes on from there") {
    etcd_server master;
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    etcd_client at_slave(slave.port());
    fill(at_master, "/a/", 20'000);
    sync_daemon sync(config_for(master, {slave}, std::string(rules) + "[replication]\ntxn_max_bytes = \"8KiB\"\n"));
    sync.start();
    REQUIRE(eventually([&] { return keys_of(at_slave).size() > 500; }, patience(30s)));
    sync.signal(SIGTERM);
    CHECK(sync.wait(promised) == 0);
    const std::size_t copied = keys_of(at_slave).size();
    CHECK(copied < 20'000);
    sync.start();
    CHECK(eventually([&] { return sync.said("in sync") == 1; }, patience(60s)));
    CHECK(sync.terminate() == 0);
    CHECK(difference(keys_of(at_master), keys_of(at_slave)) == "");
    CHECK(check(at_master, at_slave).fault == "");  // nothing was written twice
}

TEST_CASE("asked to stop while nobody answers it ends in time") {
    etcd_server master;
    etcd_server slave;
    sync_daemon sync(config_for(master, {slave}, rules));
    SUBCASE("no etcd is up") {
        sync.start();
        REQUIRE(eventually([&] { return sync.said("the master is not reachable") == 1; }, patience(20s)));
        CHECK(sync.terminate(promised) == 0);
    }
    SUBCASE("the slave stands still with a write under way") {
        master.start();
        slave.start();
        etcd_client at_master(master.port());
        sync.start();
        REQUIRE(eventually([&] { return sync.said("in sync") == 1; }, patience(30s)));
        slave.pause();
        at_master.put("/a/1", "1");
        std::this_thread::sleep_for(200ms);
        CHECK(sync.terminate(promised) == 0);
        slave.resume();
        etcd_client at_slave(slave.port());
        sync.start();
        CHECK(eventually([&] { return difference(keys_of(at_master), keys_of(at_slave)).empty(); }, patience(30s)));
        CHECK(sync.terminate() == 0);
        CHECK(check(at_master, at_slave).fault == "");
    }
    SUBCASE("the master stands still") {
        master.start();
        slave.start();
        sync.start();
        REQUIRE(eventually([&] { return sync.said("in sync") == 1; }, patience(30s)));
        master.pause();
        CHECK(sync.terminate(promised) == 0);
        master.resume();
    }
}
