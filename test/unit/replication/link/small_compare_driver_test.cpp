// SPDX-License-Identifier: Apache-2.0
// A small selection is compared after each connection to the master.
#include "unit/replication/setup/two_slaves.hpp"
#include "unit/replication/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <rpc.pb.h>
#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view differs = "the slave differs from the master";

/// The same script fills the master again; one value, not the newest, is another one.
void refill(world& w) {
    w.master = test::model_etcd();
    for (int i = 0; i < 20; ++i) w.master.put(fmt::format("/a/{:05}", i), i == 3 ? "changed" : "v");
}

}  // namespace

TEST_CASE("a master that its script filled again with one other value, which every sign hides, is copied exactly") {
    world w;
    w.settings.slaves[0].guards.max_delete.amount = 10;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    SUBCASE("while the daemon runs") {
        refill(w);
        w.master_server.cut();
    }
    SUBCASE("while the daemon is away") {
        w.stop();
        refill(w);
        w.start();
    }
    SUBCASE("and went on") {
        refill(w);
        w.master.put("/a/new", "v");
        w.master_server.cut();
    }
    SUBCASE("and compacted") {
        w.stop();
        refill(w);
        w.master.compact(w.master.revision());
        w.start();
    }
    CHECK(w.settles());
    CHECK(w.eventually([&] { return w.lines.count(differs) == 1; }));
    CHECK(w.lines.count("/a/00003") > 0);
    CHECK(w.exact());
    CHECK(w.link().puts <= 22);  // only what differs was written again
}

TEST_CASE("what another client changed on a small slave is repaired after the next connection to the master") {
    world w;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    w.slave.put("/a/00005", "drifted");
    w.slave.del("/a/00006");
    w.eventually([] { return false; }, 1min);
    CHECK_FALSE(w.exact());
    w.master_server.cut();
    CHECK(w.eventually([&] { return w.exact(); }));
    CHECK(w.lines.count(differs) == 1);
    w.master_server.cut();
    w.eventually([] { return false; }, 1min);
    CHECK(w.lines.count(differs) == 1);
}

TEST_CASE("keys that the master changed since are no difference, and keys that only the slave has are left alone") {
    world w;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    w.slave.put("/a/foreign", "v");
    w.master_server.refuse(true);
    w.master_server.cut();
    for (int i = 0; i < 20; ++i) w.master.put(fmt::format("/a/{:05}", i), "changed");
    w.master_server.refuse(false);
    CHECK(w.eventually([&] { return w.slave.keys().at("/a/00019") == "changed"; }));
    w.eventually([] { return false; }, 1min);
    CHECK(w.lines.count(differs) == 0);
    CHECK(w.slave.keys().contains("/a/foreign"));
}

TEST_CASE("a selection larger than 1 MiB is not read at each connection") {
    world w;
    const std::string value(50'000, 'x');
    w.many(30, value);
    w.start();
    REQUIRE(w.settles());
    w.slave.put("/a/00029", "drifted");
    w.master_server.cut();
    w.eventually([] { return false; }, 1min);
    CHECK(w.lines.count(differs) == 0);
    CHECK(w.in_sync());
}

TEST_CASE("a comparison that waits for a permit stops nothing, and is done when there is one") {
    two_slaves w;
    w.settings.replicate.full_sync_parallel = 1;
    w.many(20, "v");
    w.start();
    REQUIRE(w.both_settle());
    w.put("/a/00001", "v");  // the feed has an event that proves the master
    REQUIRE(w.both_settle());
    // The other slave begins a full sync that hangs.
    w.running().resync("other");
    REQUIRE(w.eventually([&] { return w.link("other").state == link_state::full_sync; }));
    w.other_server.stall(true);
    w.slave.put("/a/00005", "drifted");
    w.master_server.cut();
    w.put("/a/later", "v");
    CHECK(w.eventually([&] { return w.slave.keys().contains("/a/later"); }, 3s));
    CHECK(w.slave.keys().at("/a/00005") == "drifted");
    w.other_server.stall(false);
    CHECK(w.both_settle());
    CHECK(w.lines.count(differs) >= 1);
}

TEST_CASE("a comparison that a broken line cuts off is not tried for ever") {
    world w;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    w.slave.put("/a/00005", "drifted");
    int cuts = 0;
    w.slave_server.cuts_range = [&](const etcdserverpb::RangeRequest& request) {
        if (request.limit() < 100) return false;  // no page
        ++cuts;
        return true;
    };
    w.master_server.cut();
    w.eventually([] { return false; }, 2min);
    CHECK(cuts == 3);
    CHECK(w.in_sync());
}
