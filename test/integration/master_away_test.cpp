// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"
#include "support/exact.hpp"
#include "support/exactness_checker.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view rules = "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/b/\"\n";

std::string differs(etcd_client& master, etcd_client& slave) {
    return difference(with_prefix(keys_of(master), {"/a/", "/b/"}), keys_of(slave));
}

exactness_report check(etcd_client& master, etcd_client& slave) {
    return check_exactness(master, slave, {same_keys({"/a/", "/b/"}), "etcd-sync", {}});
}

}  // namespace

TEST_CASE("while the master is away the daemon stays and the slave stays as it is; then it goes on where it was") {
    etcd_server master;
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_slave(slave.port());
    sync_daemon sync(config_for(master, {slave}, rules));
    {
        etcd_client at_master(master.port());
        fill(at_master, "/a/", 1'000);
        sync.start();
        REQUIRE(eventually([&] { return sync.said("in sync") == 1; }, patience(30s)));
        at_master.del("/a/0005", "/a/0006");
        const std::int64_t last = at_master.put("/b/1", "1");
        REQUIRE(eventually([&] { return follows_at(at_slave, last); }, patience(20s)));
    }
    const pid_t pid = sync.pid();
    const std::int64_t before = at_slave.revision();
    SUBCASE("stopped in order") { master.terminate(); }
    SUBCASE("killed") { master.kill(); }
    CHECK(eventually([&] { return sync.said("the master is not reachable") == 1; }, patience(20s)));
    std::this_thread::sleep_for(long_run() ? 30s : 5s);
    CHECK(sync.running());
    CHECK(at_slave.revision() == before);
    master.start();
    etcd_client at_master(master.port());
    at_master.del("/a/0007", "/a/0008");
    const std::int64_t last = at_master.put("/b/2", "2");
    CHECK(eventually([&] { return follows_at(at_slave, last); }, patience(20s)));
    CHECK(differs(at_master, at_slave) == "");
    INFO(sync.output());
    CHECK(sync.pid() == pid);
    CHECK(sync.said("slave-1: full sync") == 1);  // the first time only
    CHECK(sync.said("the master is not reachable") == 1);
    CHECK(sync.terminate() == 0);
    CHECK(check(at_master, at_slave).fault == "");
}

TEST_CASE("a master killed and restarted under load, again and again") {
    etcd_server master;
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_slave(slave.port());
    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.may_fail = true;
    how.per_second = 400;
    load writer(master.port(), how);
    sync_daemon sync(config_for(master, {slave}, std::string(rules) + "[replication]\nprobe_interval = \"1s\"\n"));
    sync.start();
    for (int i = 0; i < (long_run() ? 10 : 3); ++i) {
        const std::int64_t before = checkpoint_revision(at_slave);
        REQUIRE(eventually([&] { return checkpoint_revision(at_slave) > before; }, patience(30s)));
        const std::int64_t written = writer.written();
        REQUIRE(eventually([&] { return writer.written() > written + 100; }, patience(20s)));
        master.kill();
        master.start();
    }
    const std::int64_t written = writer.written();
    CHECK(eventually([&] { return writer.written() > written; }, patience(30s)));
    writer.stop();
    etcd_client at_master(master.port());
    const std::int64_t last = at_master.put("/a/last", "1");
    CHECK(eventually([&] { return follows_at(at_slave, last); }, patience(20s)));
    INFO(sync.output());
    CHECK(differs(at_master, at_slave) == "");
    CHECK(sync.running());
    CHECK(sync.terminate() == 0);
    CHECK(check(at_master, at_slave).fault == "");
}

TEST_CASE("a master that stands still is waited for") {
    etcd_server master;
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    etcd_client at_slave(slave.port());
    sync_daemon sync(config_for(master, {slave}, rules));
    fill(at_master, "/a/", 100);
    sync.start();
    REQUIRE(eventually([&] { return sync.said("in sync") == 1; }, patience(30s)));
    const std::int64_t before = at_slave.revision();
    master.pause();
    std::this_thread::sleep_for(long_run() ? 30s : 3s);
    CHECK(sync.running());
    CHECK(at_slave.revision() == before);
    master.resume();
    const std::int64_t last = at_master.put("/a/last", "1");
    CHECK(eventually([&] { return follows_at(at_slave, last); }, patience(30s)));
    CHECK(differs(at_master, at_slave) == "");
    CHECK(sync.terminate() == 0);
    CHECK(check(at_master, at_slave).fault == "");
}

TEST_CASE("started before any etcd is up it says so once, waits, and begins by itself") {
    etcd_server master;
    etcd_server slave;
    sync_daemon sync(config_for(master, {slave}, rules));
    sync.start();
    CHECK(eventually(
        [&] { return sync.said("the master is not reachable") == 1 && sync.said("slave-1: disconnected") == 1; },
        patience(20s)));
    std::this_thread::sleep_for(3s);  // several attempts
    CHECK(sync.running());
    SUBCASE("the slave first") {
        slave.start();
        std::this_thread::sleep_for(1s);
        master.start();
    }
    SUBCASE("the master first") {
        master.start();
        std::this_thread::sleep_for(1s);
        slave.start();
    }
    etcd_client at_master(master.port());
    etcd_client at_slave(slave.port());
    fill(at_master, "/a/", 100);
    const std::int64_t last = at_master.put("/b/last", "1");
    CHECK(
        eventually([&] { return follows_at(at_slave, last) && differs(at_master, at_slave).empty(); }, patience(20s)));
    INFO(sync.output());
    CHECK(differs(at_master, at_slave) == "");
    CHECK(sync.said("the master is not reachable") == 1);
    CHECK(sync.said("slave-1: disconnected") == 1);
    CHECK(sync.terminate() == 0);
    CHECK(check(at_master, at_slave).fault == "");
}
