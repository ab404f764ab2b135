// SPDX-License-Identifier: Apache-2.0
// A master that was wiped or replaced: once that was seen, it is not forgotten.
#include "replication/record/checkpoint.hpp"
#include "unit/replication/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

/// The script that fills the master, also after it was wiped.
void fill(test::model_etcd& master, int count, const std::function<std::string(int)>& value_of) {
    for (int i = 0; i < count; ++i) master.put(fmt::format("/a/{:03}", i), value_of(i));
}

std::string usual_value(int i) { return fmt::format("v{}", i); }

/// One value is not what it was; the newest key is.
std::string other_value(int i) { return i == 3 ? "changed" : usual_value(i); }

struct rig : world {
    rig() {
        fill(master, 20, usual_value);
        start();
        REQUIRE(settles());
    }
    /// The master comes up empty, and its script fills it again. `seen_empty`: etcd-sync looks while it is half full.
    void wipe_and_refill(const std::function<std::string(int)>& value_of, bool seen_empty) {
        master = test::model_etcd();
        if (seen_empty) {
            fill(master, 5, value_of);
            master_server.cut();
            eventually([this] { return link().state == link_state::held; }, 30s);
            for (int i = 5; i < 20; ++i) put(fmt::format("/a/{:03}", i), value_of(i));
        } else {
            fill(master, 20, value_of);
        }
        master_server.cut();
    }
    [[nodiscard]] bool is_held() const { return link().state == link_state::held; }
    /// The clock moves, and the link is held all the time; no key of the slave changes.
    void check_stays_held(aio::clock::duration how_long) {
        const test::key_map before = mirrored(slave.keys());
        CHECK_FALSE(eventually([this] { return !is_held(); }, how_long));
        CHECK(mirrored(slave.keys()) == before);
    }
};

}  // namespace

TEST_CASE("a wiped master that its script fills again stays held, also when it reaches R with the same newest key") {
    rig r;
    r.wipe_and_refill(other_value, true);
    REQUIRE(r.eventually([&] { return r.is_held(); }));
    r.check_stays_held(10min);
    SUBCASE("while the daemon runs") {}
    SUBCASE("after a restart") {
        r.stop();
        r.start();
        REQUIRE(r.eventually([&] { return r.is_held(); }));
        r.check_stays_held(10min);
    }
    SUBCASE("after a kill, and with more writes on the master") {
        r.kill();
        for (int i = 0; i < 30; ++i) r.put("/a/new", std::to_string(i));
        r.start();
        REQUIRE(r.eventually([&] { return r.is_held(); }));
        r.check_stays_held(10min);
    }
    REQUIRE(r.running().approve("default", false));
    CHECK(r.settles());
    // From now on it is an ordinary slave of this master.
    r.put("/a/later", "1");
    CHECK(r.settles());
    r.stop();
    r.start();
    CHECK(r.settles());
}

TEST_CASE("with on_master_change = \"resync\" a slave that was held is made equal") {
    rig r;
    r.wipe_and_refill(other_value, true);
    REQUIRE(r.eventually([&] { return r.is_held(); }));
    r.stop();
    r.settings.slaves[0].guards.on_master_change = config::master_change::resync;
    r.start();
    CHECK(r.settles());
}

TEST_CASE("another cluster holds a slave only until the right one is back") {
    rig r;
    const test::model_etcd right = r.master;
    test::model_etcd::settings how;
    how.cluster_id = 77;
    r.master = test::model_etcd(how);
    fill(r.master, 20, other_value);
    r.master_server.cut();
    REQUIRE(r.eventually([&] { return r.is_held(); }));
    r.check_stays_held(1min);
    r.master = right;
    r.master_server.cut();
    CHECK(r.settles());
    r.put("/a/later", "1");
    CHECK(r.settles());
}

TEST_CASE("the hold of a wiped master is stored in one revision, without changing a key") {
    rig r;
    const auto before = r.slave.revision();
    const test::key_map keys = world::mirrored(r.slave.keys());
    r.wipe_and_refill(other_value, true);
    REQUIRE(r.eventually([&] { return r.is_held(); }));
    r.check_stays_held(10min);
    CHECK(world::mirrored(r.slave.keys()) == keys);
    CHECK(r.slave.revision() <= before + 2);
    CHECK(r.slave.keys().at("/.etcd-sync/etcd-sync").find("\"state\":\"other\"") != std::string::npos);
}

TEST_CASE(
    "another history that only the feed saw is not forgotten, although the slave was away until it looked right") {
    rig r;
    r.slave_server.refuse(true);
    r.slave_server.cut();
    r.master = test::model_etcd();
    fill(r.master, 5, other_value);
    r.master_server.cut();
    REQUIRE(r.eventually([&] { return r.lines.count("master revision went backwards") > 0; }, 30s));
    for (int i = 5; i < 20; ++i) r.put(fmt::format("/a/{:03}", i), other_value(i));
    r.eventually([] { return false; }, 1min);
    r.slave_server.refuse(false);
    REQUIRE(r.eventually([&] { return r.is_held(); }));
    r.check_stays_held(10min);
    REQUIRE(r.running().approve("default", false));
    CHECK(r.settles());
}

TEST_CASE("another history is stored over the checkpoint of another process only once that is surely dead") {
    rig r;
    r.kill();
    r.wipe_and_refill(other_value, false);
    r.master = test::model_etcd();
    fill(r.master, 5, other_value);
    r.start();
    REQUIRE(r.eventually([&] { return r.is_held(); }));
    r.check_stays_held(30s);
    const auto is_stored = [&] {
        return r.slave.keys().at("/.etcd-sync/etcd-sync").find("\"state\":\"other\"") != std::string::npos;
    };
    CHECK_FALSE(is_stored());
    for (int i = 5; i < 20; ++i) r.put(fmt::format("/a/{:03}", i), other_value(i));
    r.check_stays_held(10min);  // it looks right again, but it was seen
    CHECK(is_stored());
}

TEST_CASE("the hold of a wiped master survives the loss of the manifest and a change of the consistency mode") {
    rig r;
    r.wipe_and_refill(other_value, true);
    REQUIRE(r.eventually([&] { return r.is_held(); }));
    r.stop();
    SUBCASE("manifest") { r.slave.del("/.etcd-sync/etcd-sync:manifest"); }
    SUBCASE("mode") { r.settings.replicate.consistency = config::consistency_mode::rule; }
    r.start();
    REQUIRE(r.eventually([&] { return r.is_held(); }));
    r.check_stays_held(10min);
}

TEST_CASE("leaving a final hold needs no second agreement if it is interrupted at any request") {
    for (const bool killed : {true, false}) {
        std::uint64_t at = 0;
        for (bool reached = true; reached;) {
            ++at;
            CAPTURE(killed);
            CAPTURE(at);
            rig r;
            r.settings.slaves[0].guards.max_delete.amount = 10;
            // Without a kill also more deletes than any guard allows.
            if (!killed) r.many(200, "of the old master");
            REQUIRE(r.settles());
            r.wipe_and_refill([](int i) { return fmt::format("other {}", i); }, true);
            REQUIRE(r.eventually([&] { return r.is_held(); }));
            r.stop();
            r.settings.slaves[0].guards.on_master_change = config::master_change::resync;
            const std::uint64_t from = r.slave_server.requests();
            reached = false;
            r.slave_server.script = [&](std::uint64_t request) {
                reached = reached || request == from + at;
                const bool fails = killed ? request >= from + at : request == from + at;
                return fails ? test::fault::lost : test::fault::none;
            };
            r.start();
            r.eventually([&] { return reached || r.in_sync(); }, 30s);
            if (killed) {
                r.kill();
                r.slave_server.script = nullptr;
                r.start();
            }
            CHECK_MESSAGE(r.settles(), r.told());
            CHECK(r.lines.count("needs approval") == 1);  // the first one
        }
        CHECK(at > 5);
    }
}

TEST_CASE("what was agreed to is not forgotten if the master cannot be read before it is done") {
    std::uint64_t at = 0;
    for (bool reached = true; reached;) {
        ++at;
        CAPTURE(at);
        // Too large for the comparison of small selections, which would repair it.
        world w;
        const std::string big(1'200'000, 'x');
        const auto fill_it = [&](bool changed) {
            w.master.put("/a/big", big);
            fill(w.master, 20, changed ? other_value : usual_value);
        };
        w.settings.slaves[0].guards.on_master_change = config::master_change::resync;
        fill_it(false);
        w.start();
        REQUIRE(w.settles());
        w.slave_server.refuse(true);
        w.slave_server.cut();
        w.master = test::model_etcd();
        w.master.put("/a/big", "not yet");
        w.master_server.cut();
        REQUIRE(w.eventually([&] { return w.lines.count("master revision went backwards") > 0; }, 30s));
        w.master = test::model_etcd();
        fill_it(true);
        w.master_server.cut();
        w.eventually([] { return false; }, 20s);
        const std::uint64_t from = w.master_server.requests();
        reached = false;
        w.master_server.script = [&](std::uint64_t request) {
            reached = reached || request == from + at;
            return request == from + at ? test::fault::cut : test::fault::none;
        };
        w.slave_server.refuse(false);
        CHECK_MESSAGE(w.settles(), w.told());
    }
    CHECK(at > 10);
}

TEST_CASE("a rewind to before a revision that only a link had read is seen") {
    world w;
    w.many(20, "v");
    w.put("/a/big", std::string(1'200'000, 'x'));  // too large for the comparison of small selections
    w.start();
    REQUIRE(w.settles());
    w.put("/a/00001", "an event that proves the master");
    REQUIRE(w.settles());
    for (int i = 0; i < 50; ++i) w.put("/b/1", "matches no rule: the feed's position stays");
    const test::model_etcd image = w.master;
    for (int i = 0; i < 50; ++i) w.put("/b/1", "matches no rule");
    w.running().resync("default");
    REQUIRE(w.eventually([&] { return w.lines.count("requested by the operator") > 0 && w.in_sync(); }));
    w.master = image;
    for (int i = 0; i < 10; ++i) w.master.put("/a/00002", "of another history");
    w.master_server.cut();
    CHECK(w.eventually([&] { return w.link().state == link_state::held; }));
}

TEST_CASE("a proof on the link's connection does not count if the feed watches another cluster") {
    rig r;
    r.stop();
    test::model_etcd::settings how;
    how.cluster_id = 77;
    test::model_etcd other(how);
    fill(other, 30, other_value);
    test::model_server other_server(r.loop, r.dialer, "http://other-master:1", other);
    config::endpoint first = r.settings.master.endpoints[0];
    first.url = "http://other-master:1";
    first.host = "other-master";
    r.settings.master.endpoints.insert(r.settings.master.endpoints.begin(), first);
    r.slave_server.refuse(true);
    r.start();
    REQUIRE(r.eventually([&] { return r.lines.count("connected to the master endpoint=http://other-master") > 0; }));
    r.eventually([] { return false; }, 5s);
    // The first read of the link's own connection fails, so that it goes to the right master.
    bool went_on = false;
    other_server.cuts_range = [&](const etcdserverpb::RangeRequest&) { return !std::exchange(went_on, true); };
    r.slave_server.refuse(false);
    CHECK(r.eventually([&] { return r.is_held(); }));
    CHECK(went_on);
    r.check_stays_held(1min);
}

TEST_CASE("a resync of a slave that is held because nothing proves the master leaves what is stored") {
    rig r;
    r.settings.slaves[0].guards.max_delete.amount = 10;
    r.stop();
    r.master_server.refuses_status = true;
    for (int round = 0; round < 2; ++round) fill(r.master, 20, [](int i) { return fmt::format("later {}", i); });
    r.master.compact(r.master.revision());
    r.start();
    REQUIRE(r.eventually([&] { return r.is_held(); }));
    const auto stored = [&] { return r.slave.keys().at("/.etcd-sync/etcd-sync").substr(0, 60); };
    const std::string before = stored();
    r.running().resync("default");
    r.eventually([] { return false; }, 10s);
    REQUIRE(r.is_held());
    CHECK(stored() == before);
}

TEST_CASE("one endpoint with another history does not hold a slave, if another endpoint proves the known one") {
    world w;
    const auto endpoint = [](const std::string& host) {
        config::endpoint out;
        out.url = "http://" + host + ":1";
        out.host = host;
        out.port = 1;
        return out;
    };
    // The feed does not notice: only the link's own connection leads astray.
    test::model_etcd stray;
    test::model_server stray_server(w.loop, w.dialer, "http://stray:1", stray);
    w.settings.master.endpoints.push_back(endpoint("stray"));
    stray.put("/a/1", "stray");
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    const std::uint64_t from = w.master_server.requests();
    bool astray = false;
    stray_server.script = [&](std::uint64_t) {
        astray = true;
        return test::fault::none;
    };
    // The first read of the link's own connection fails, so that it goes to the next endpoint.
    w.master_server.script = [&](std::uint64_t request) {
        return request == from + 1 ? test::fault::cut : test::fault::none;
    };
    w.slave_server.cut();
    REQUIRE(w.eventually([&] { return astray; }));
    CHECK(w.settles());
    CHECK(w.lines.count("needs approval") == 0);
    w.put("/a/later", "v");
    CHECK(w.settles());
}

namespace {

/// A slave in sync with a rule of `keys` keys. Then the newest `changed` of them change, unseen, and the master compacts.
struct outage {
    outage(int keys, int changed, bool daemon_away) {
        w.settings.slaves[0].guards.max_delete.amount = 10;
        for (int i = 0; i < keys; ++i) w.put(fmt::format("/a/{:03}", i), "before");
        w.start();
        REQUIRE(w.settles());
        if (daemon_away) {
            w.stop();
        } else {
            w.master_server.refuse(true);
            w.master_server.cut();
            w.eventually([] { return false; }, 5s);
        }
        for (int i = keys - changed; i < keys; ++i) w.master.put(fmt::format("/a/{:03}", i), "changed");
        w.master.compact(w.master.revision());
        if (daemon_away) {
            w.start();
        } else {
            w.master_server.refuse(false);
        }
    }
    world w;
};

}  // namespace

TEST_CASE("an outage in which hot keys changed and the master compacted needs no person") {
    for (const bool daemon_away : {true, false}) {
        for (const auto& [keys, changed] : {std::pair(1, 1), std::pair(4, 1), std::pair(200, 30), std::pair(20, 20)}) {
            CAPTURE(daemon_away);
            CAPTURE(keys);
            CAPTURE(changed);
            outage o(keys, changed, daemon_away);
            CHECK(o.w.settles());
            CHECK(o.w.lines.count("held: needs approval") == 0);
            CHECK(o.w.link().deletes == 0);
        }
    }
}

TEST_CASE("also if etcd-sync is killed while it counts what the outage changed") {
    for (std::uint64_t at = 5; at < 25; ++at) {
        CAPTURE(at);
        outage o(200, 30, true);
        o.w.kill();
        const std::uint64_t from = o.w.slave_server.requests();
        o.w.slave_server.script = [&](std::uint64_t request) {
            return request > from + at ? test::fault::lost : test::fault::none;
        };
        o.w.start();
        o.w.eventually([] { return false; }, 3s);
        o.w.kill();
        o.w.slave_server.script = nullptr;
        o.w.start();
        CHECK(o.w.settles());
        CHECK(o.w.lines.count("held: needs approval") == 0);
    }
}

TEST_CASE("differences that no change of the master explains count, also after an outage") {
    outage o(20, 10, true);
    o.w.stop();
    for (int i = 0; i < 5; ++i) o.w.slave.put(fmt::format("/a/{:03}", i), "drifted");
    const auto restored = [&] { return o.w.link().state == link_state::held; };
    for (int i = 10; i < 20; ++i) o.w.master.put(fmt::format("/a/{:03}", i), "changed again");
    o.w.master.compact(o.w.master.revision());
    o.w.start();
    CHECK(o.w.eventually(restored));
    REQUIRE(o.w.running().approve("default", false));
    CHECK(o.w.settles());
}

TEST_CASE("most keys deleted during an outage are deleted on the slave, unless another client changed it meanwhile") {
    for (const bool daemon_away : {true, false}) {
        CAPTURE(daemon_away);
        bool untouched = true;
        world w;
        w.settings.slaves[0].guards.max_delete.amount = 10;
        w.many(300, "v");
        w.start();
        REQUIRE(w.settles());
        w.put("/a/last", "v");
        REQUIRE(w.settles());
        if (daemon_away) {
            w.stop();
        } else {
            w.master_server.refuse(true);
            w.master_server.cut();
        }
        w.master.del("/a/00000", "/a/00200");
        w.master.compact(w.master.revision());
        SUBCASE("alone") {}
        SUBCASE("beside another client") {
            w.slave.put("/a/other", "v");
            untouched = false;
        }
        if (daemon_away) {
            w.start();
        } else {
            w.master_server.refuse(false);
        }
        CHECK(w.settles() == untouched);
        CHECK((w.link().state == link_state::held) != untouched);
    }
}
