// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"
#include "support/exact.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view rules = "[[rule]]\nprefix = \"/a/\"\n";
constexpr std::string_view resync_rules = "[[rule]]\nprefix = \"/a/\"\n[safety]\non_master_change = \"resync\"\n";

struct stage {
    explicit stage(std::string_view tables = rules) : sync(config_for(master, {slave}, tables)) {
        master.start();
        slave.start();
        fill(at_master, "/a/", 300);
        start_and_sync();
    }
    etcd_server master;
    etcd_server slave;
    etcd_client at_master{master.port()};
    etcd_client at_slave{slave.port()};
    sync_daemon sync;

    [[nodiscard]] bool exact() {
        return difference(with_prefix(keys_of(at_master), {"/a/"}), keys_of(at_slave)).empty();
    }

    void start_and_sync() {
        const std::size_t times = sync.said("in sync");
        sync.start();
        REQUIRE(eventually([&] { return sync.said("in sync") > times; }, patience(30s)));
    }

    void restart_master() {
        master.start();
        at_master.answers();  // its old connection is found broken here
    }

    /// A master with the same flags, so the same cluster and member id, and other contents, beyond the revision it had.
    void replace_master() {
        const std::int64_t had = at_master.revision();
        master.kill();
        master.wipe();
        restart_master();
        for (int i = 0; at_master.revision() <= had + 5; ++i) at_master.put(fmt::format("/a/other{}", i), "other");
    }
};

}  // namespace

TEST_CASE(
    "a master that was wiped and refilled beyond R while the daemon was away is recognised before the first write") {
    stage on;
    CHECK(on.sync.terminate() == 0);
    const key_map kept = keys_of(on.at_slave);
    const std::int64_t before = on.at_slave.revision();
    on.replace_master();
    on.sync.start();
    CHECK(eventually([&] { return on.sync.said("HELD") > 0; }, patience(20s)));
    CHECK(on.at_slave.revision() == before);
    CHECK(difference(kept, keys_of(on.at_slave)) == "");
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("a master that is wiped and refilled while the daemon runs is recognised, too") {
    stage on;
    const key_map kept = keys_of(on.at_slave);
    on.at_master.put("/a/000001", "changed");
    REQUIRE(eventually([&] { return on.exact(); }, patience(10s)));
    const key_map followed = keys_of(on.at_slave);
    on.replace_master();
    CHECK(eventually([&] { return on.sync.said("HELD") > 0; }, patience(40s)));
    on.at_master.put("/a/late", "1");
    CHECK(difference(followed, keys_of(on.at_slave)) == "");
    CHECK(followed.size() == kept.size());
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("an emptied master of the same ids, at a lower revision, deletes nothing") {
    stage on;
    const key_map kept = keys_of(on.at_slave);
    on.master.kill();
    on.master.wipe();
    on.master.start();
    CHECK(eventually([&] { return on.sync.said("HELD") > 0; }, patience(40s)));
    CHECK(difference(kept, keys_of(on.at_slave)) == "");
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("with on_master_change = resync the slave becomes what the new master is") {
    stage on(resync_rules);
    on.replace_master();
    CHECK(eventually([&] { return on.exact(); }, patience(40s)));
    CHECK(on.sync.terminate() == 0);
    CHECK(on.at_slave.range("/a/000001", {}).empty());
}

TEST_CASE("a master that was only restarted is no other one") {
    stage on;
    on.at_master.del("/a/000003");
    on.master.kill();
    on.restart_master();
    on.at_master.put("/a/after", "1");
    CHECK(eventually([&] { return on.exact(); }, patience(40s)));
    CHECK(on.sync.said("HELD") == 0);
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("of two daemons with one instance name one is held, and the data stays right") {
    stage on;
    sync_daemon second(config_for(on.master, {on.slave}, rules));
    second.start();
    CHECK(eventually([&] { return second.said("in sync") > 0; }, patience(20s)));
    const std::int64_t begun = on.at_slave.revision();
    for (int i = 0; i < 50; ++i) on.at_master.put(fmt::format("/a/{:06}", i), "new");
    CHECK(eventually([&] { return on.exact(); }, patience(20s)));
    CHECK(eventually([&] { return on.sync.said("HELD") + second.said("HELD") == 1; }, patience(20s)));
    CHECK(on.at_slave.revision() - begun <= 50 + 10);  // no war over the checkpoint
    CHECK(on.sync.terminate() == 0);
    CHECK(second.terminate() == 0);
}
