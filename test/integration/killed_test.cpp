// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"
#include "support/exact.hpp"
#include "support/exactness_checker.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>

#include <random>
#include <thread>

using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view rules = "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/b/\"\n";

}  // namespace

TEST_CASE(
    "the daemon killed at random moments under load goes on where it was: nothing lost, nothing twice, nothing out of "
    "order") {
    etcd_server master;
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    etcd_client at_slave(slave.port());
    fill(at_master, "/a/before/", 3'000);

    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.per_second = 400;
    load writer(master.port(), how);
    sync_daemon sync(config_for(master, {slave}, rules));
    std::mt19937 random(7);
    const int kills = long_run() ? 50 : 12;
    for (int i = 0; i < kills; ++i) {
        sync.start();
        // Some at any time after the start, be it before the first write; the others under way, at any point of a Txn.
        const bool at_any_time = i % 4 == 0;
        const std::int64_t before = checkpoint_revision(at_slave);
        if (!at_any_time) REQUIRE(eventually([&] { return checkpoint_revision(at_slave) > before; }, patience(30s)));
        std::this_thread::sleep_for(std::chrono::microseconds(random() % (at_any_time ? 1'500'000 : 400'000)));
        REQUIRE(sync.running());
        sync.kill();
    }
    sync.start();
    writer.stop();
    const std::int64_t last = at_master.put("/a/last", "written");
    CHECK(eventually([&] { return follows_at(at_slave, last); }, patience(30s)));
    CHECK(difference(with_prefix(keys_of(at_master), {"/a/", "/b/"}), keys_of(at_slave)) == "");
    CHECK(sync.terminate() == 0);

    const exactness_report report = check_exactness(at_master, at_slave, {same_keys({"/a/", "/b/"}), "etcd-sync", {}});
    CHECK(report.fault == "");
    CHECK(report.state == "follow");
    CHECK(report.writers > static_cast<std::size_t>(kills) / 2);
    INFO("revisions of the slave: ", report.revisions, ", with data: ", report.data_revisions);
    CHECK(report.data_revisions > report.writers);
}

TEST_CASE("the daemon killed again and again during its first full sync gets to the end") {
    etcd_server master;
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    etcd_client at_slave(slave.port());
    fill(at_master, "/a/", 20'000);
    load::options how;
    how.prefixes = {"/a/", "/b/"};
    how.per_second = 100;
    load writer(master.port(), how);

    // Small Txns, so that there is a middle.
    sync_daemon sync(config_for(master, {slave}, std::string(rules) + "[replication]\ntxn_max_bytes = \"16KiB\"\n"));
    std::mt19937 random(11);
    int in_the_middle = 0;
    for (int i = 0; i < 8; ++i) {
        sync.start();
        const std::int64_t before = at_slave.revision();
        REQUIRE(eventually([&] { return at_slave.revision() > before + 2; }, patience(30s)));
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 50'000));
        sync.kill();
        const key_map found = at_slave.range("/.etcd-sync/etcd-sync", {});
        if (!found.empty() && found.begin()->second.find("\"full_sync\"") != std::string::npos) ++in_the_middle;
    }
    CHECK(in_the_middle >= 1);
    sync.start();
    writer.stop();
    const std::int64_t last = at_master.put("/b/last", "written");
    CHECK(eventually([&] { return follows_at(at_slave, last) && sync.said("in sync") > 0; }, patience(60s)));
    CHECK(difference(with_prefix(keys_of(at_master), {"/a/", "/b/"}), keys_of(at_slave)) == "");
    CHECK(sync.terminate() == 0);
    const exactness_report report = check_exactness(at_master, at_slave, {same_keys({"/a/", "/b/"}), "etcd-sync", {}});
    CHECK(report.fault == "");
    CHECK(report.state == "follow");
}
