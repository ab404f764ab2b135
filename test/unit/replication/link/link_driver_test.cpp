// SPDX-License-Identifier: Apache-2.0
// A complete replicator between etcds in memory: every kind of fault, at every request of a scenario.
#include "unit/replication/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;
using test::fault;

TEST_CASE("all keys are copied, then every change is applied, including deletes; foreign keys are kept") {
    world w;
    w.slave.put("/a/foreign", "kept");
    w.many(300, "v");
    w.start();
    REQUIRE(w.eventually([&] { return w.in_sync(); }));
    CHECK(w.slave.keys().at("/a/foreign") == "kept");
    CHECK(w.link().foreign_keys == 1);
    w.del("/a/00007");
    w.put("/a/00008", "new");
    w.put("/elsewhere", "not ours");
    const auto followed = [&] {
        const auto keys = w.slave.keys();
        return !keys.contains("/a/00007") && keys.at("/a/00008") == "new";
    };
    CHECK(w.eventually(followed, 1s));
    CHECK_FALSE(w.slave.keys().contains("/elsewhere"));
    CHECK(w.untruth(1'000'000).empty());
}

namespace {

/// A full sync in several pages, changes, a slave that is unreachable while keys are deleted, and a last change. True
/// if the slave is exact in the end.
bool run_scenario(world& w) {
    w.many(200, std::string(1'000, 'x'));
    w.start();
    if (!w.settles()) return false;
    w.put("/a/00003", "changed");
    w.del("/a/00004");
    if (!w.settles()) return false;
    w.slave_server.cut();
    w.slave_server.refuse(true);
    w.del("/a/00010", "/a/00020");
    w.put("/a/new", "while away");
    w.eventually([] { return false; }, 3s);
    w.slave_server.refuse(false);
    if (!w.settles()) return false;
    w.put("/a/last", "one");
    return w.settles();
}

}  // namespace

TEST_CASE(
    "whichever request to the slave fails, and however: it is exact in the end, and always was a state of the master") {
    std::uint64_t steps = 0;
    {
        world w;
        REQUIRE(run_scenario(w));
        steps = w.slave_server.requests();
        CHECK(w.untruth().empty());
    }
    REQUIRE(steps >= 10);
    for (const fault what : test::every_fault) {
        for (std::uint64_t k = 1; k <= steps; ++k) {
            world w;
            w.slave_server.script = [&](std::uint64_t number) { return number == k ? what : fault::none; };
            const bool ended_exact = run_scenario(w);
            CHECK_MESSAGE(ended_exact, "request " << k << ", " << test::to_string(what) << "\n" << w.told());
            CHECK_MESSAGE(w.untruth().empty(), "request " << k << ", " << test::to_string(what) << ": " << w.untruth());
        }
    }
}

TEST_CASE(
    "whichever request to the master fails, and however: the slave is exact in the end, and always was a state of the "
    "master") {
    std::uint64_t steps = 0;
    {
        world w;
        REQUIRE(run_scenario(w));
        steps = w.master_server.requests();
    }
    REQUIRE(steps > 5);
    for (const fault what : test::every_fault) {
        for (std::uint64_t k = 1; k <= steps; ++k) {
            world w;
            w.master_server.script = [&](std::uint64_t number) { return number == k ? what : fault::none; };
            const bool ended_exact = run_scenario(w);
            CHECK_MESSAGE(ended_exact, "request " << k << ", " << test::to_string(what) << "\n" << w.told());
            CHECK_MESSAGE(w.untruth().empty(), "request " << k << ", " << test::to_string(what) << ": " << w.untruth());
        }
    }
}

TEST_CASE("while the master is unreachable, the slave is not reported in sync; a short interruption is not reported") {
    world w;
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    const auto is_waiting = [&] { return w.link().state != link_state::in_sync; };
    w.master_server.cut();
    CHECK_FALSE(w.eventually(is_waiting, 2s));
    w.master_server.refuse(true);
    w.master_server.cut();
    CHECK_FALSE(w.eventually(is_waiting, 900ms));
    REQUIRE(w.eventually(is_waiting, 200ms));
    CHECK(w.link().state == link_state::connecting);
    CHECK(w.link().cause == "waiting for the master");
    CHECK_FALSE(w.eventually([&] { return w.in_sync(); }, 5min));
    w.master.put("/a/00001", "changed meanwhile");
    w.master_server.refuse(false);
    CHECK(w.settles(20s));
    CHECK(w.slave.keys().at("/a/00001") == "changed meanwhile");
    // The feed logs each outage of the master once; the link logs nothing about the slave until there is something to
    // catch up.
    CHECK(w.lines.count("slave=default ") - w.lines.count("retry failed slave=default ") == 4);
    CHECK(w.lines.count("the master is not reachable") == 2);
}

TEST_CASE("the loss of a slave is reported while its link waits for the master") {
    for (const bool silently : {false, true}) {
        world w;
        w.many(5, "v");
        w.master_server.refuse(true);
        w.start();
        REQUIRE(w.eventually([&] { return w.link().cause == "waiting for the master"; }, 5s));
        w.slave_server.refuse(true);
        if (silently)
            w.slave_server.stall(true);
        else
            w.slave_server.cut();
        CHECK(w.eventually([&] { return w.link().state == link_state::disconnected; }, silently ? 20s : 1s));
        w.slave_server.stall(false);
        w.master_server.refuse(false);
        CHECK(w.settles(30s));
    }
}

TEST_CASE("the loss of a slave is reported while its link waits for a full-sync permit, and the permit stays free") {
    for (const bool silently : {false, true}) {
        world w;
        w.settings.replicate.full_sync_parallel = 1;
        w.settings.slaves.push_back(w.settings.slaves[0]);
        w.settings.slaves[0].name = "first";
        w.settings.slaves[1].name = "second";
        w.settings.slaves[1].endpoints[0].url = "http://other:1";
        w.settings.slaves[1].endpoints[0].host = "other";
        test::model_etcd other;
        test::model_server other_server(w.loop, w.dialer, "http://other:1", other);
        w.many(2'000, "v");
        // The first slave never answers its pages: it holds the place.
        w.slave_server.script = [&w](std::uint64_t) {
            return w.current().links.at(0).state == link_state::full_sync ? fault::lost : fault::none;
        };
        w.start();
        const auto second = [&] { return w.current().links.at(1); };
        REQUIRE(w.eventually([&] { return second().cause == "waiting for other slaves to finish"; }, 3s));
        other_server.refuse(true);
        if (silently)
            other_server.stall(true);
        else
            other_server.cut();
        const auto disconnected = [&] { return second().state == link_state::disconnected; };
        CHECK(w.eventually(disconnected, silently ? 20s : 1s));
        other_server.stall(false);
        w.slave_server.script = nullptr;
        CHECK(w.eventually([&] { return w.exact() && w.mirrored(other.keys()) == w.mirrored(w.master.keys()); }, 2min));
        w.stop();
    }
}

TEST_CASE("a master that accepts a watch but does not respond counts as unreachable, and another endpoint is tried") {
    world w;
    test::model_server twin(w.loop, w.dialer, "http://twin:1", w.master);
    w.settings.master.endpoints.push_back(w.settings.master.endpoints[0]);
    w.settings.master.endpoints[1].url = "http://twin:1";
    w.settings.master.endpoints[1].host = "twin";
    w.many(5, "v");
    // Every watch of the first member hangs; the requests before it are those of the connect and of the feed.
    w.master_server.script = [](std::uint64_t number) { return number >= 3 ? fault::lost : fault::none; };
    w.start();
    CHECK_FALSE(w.eventually([&] { return w.current().master.connected; }, 7s));
    CHECK(w.eventually([&] { return w.current().master.connected; }, 5s));
    CHECK(w.current().master.endpoint == "http://twin:1");
    CHECK(w.told().find("master:1: no answer to a watch in time") != std::string::npos);
}

namespace {

/// In sync with 400 keys, and with a log too small for a revision that deletes many of them.
struct with_small_log : world {
    with_small_log() {
        settings.replicate.log_limit.value = 2U << 10;
        settings.replicate.memory_limit.value = 1U << 20;
    }
    void begin() {
        many(400, "v");
        start();
        REQUIRE(settles());
        before = slave.revision();
    }
    std::int64_t before = 0;
};

}  // namespace

TEST_CASE("a range delete that is too large for the log is one revision on the slave") {
    with_small_log w;
    w.begin();
    w.del("/a/00100", "/a/00300");
    REQUIRE(w.settles());
    CHECK(w.slave.revision() == w.before + 1);
    CHECK(w.link().splits == 0);
    CHECK(w.mirrored(w.slave.keys()).size() == 200);
    w.put("/a/after", "1");
    REQUIRE(w.settles());
    CHECK(w.untruth() == "");
    w.stop();
}

TEST_CASE("a mass delete that leaves keys in between is applied key by key") {
    with_small_log w;
    w.begin();
    etcdserverpb::TxnRequest txn;
    for (const auto& [from, to] : {std::pair("/a/00000", "/a/00100"), std::pair("/a/00200", "/a/00300")}) {
        auto& wiped = *txn.add_success()->mutable_request_delete_range();
        wiped.set_key(from);
        wiped.set_range_end(to);
    }
    etcdserverpb::TxnResponse unused;
    REQUIRE_FALSE(w.master.txn(txn, unused));
    w.master_server.changed();
    REQUIRE(w.settles());
    CHECK(w.mirrored(w.slave.keys()).size() == 200);
    CHECK(w.untruth() == "");
    w.stop();
}

TEST_CASE("foreign keys on the slave are not deleted by a range delete") {
    with_small_log w;
    w.slave.put("/a/00150x", "foreign");
    w.many(400, "v");
    w.start();
    REQUIRE(w.eventually([&] { return w.in_sync() && w.mirrored(w.slave.keys()).size() == 401; }));
    w.del("/a/00100", "/a/00300");
    REQUIRE(w.eventually([&] { return w.mirrored(w.slave.keys()).size() == 201; }, 1min));
    CHECK(w.slave.keys().contains("/a/00150x"));
    w.stop();
}

TEST_CASE("whichever request fails during a range delete, the slave is exact in the end") {
    for (std::uint64_t k = 0; k < 12; ++k) {
        for (test::fault how : test::every_fault) {
            with_small_log w;
            w.begin();
            std::uint64_t asked = 0;
            w.slave_server.script = [&](std::uint64_t) { return asked++ == k ? how : test::fault::none; };
            std::uint64_t asked_of_master = 0;
            w.master_server.script = [&](std::uint64_t) { return asked_of_master++ == k ? how : test::fault::none; };
            w.del("/a/00100", "/a/00300");
            CHECK(w.settles(10min));
            CHECK(w.untruth() == "");
            w.stop();
        }
    }
}

TEST_CASE("a wiped, refilled or emptied master holds the slave, and no key is changed") {
    world w;
    w.lose_master(5);
    SUBCASE("empty, at revision 1") {}
    SUBCASE("refilled with other values, beyond the known revision") {
        for (int i = 0; i < 20; ++i) w.master.put("/a/00002", "other");
    }
    SUBCASE("refilled beyond the known revision with keys that no rule selects") {
        for (int i = 0; i < 20; ++i) w.master.put("/b/1", "other");
    }
    const auto before = w.slave.revision();
    CHECK(w.eventually([&] { return w.link().state == link_state::held; }, 2min));
    w.eventually([] { return false; }, 10min);
    CHECK(w.link().state == link_state::held);
    CHECK(world::mirrored(w.slave.keys(before)) == world::mirrored(w.slave.keys()));
}

TEST_CASE("a link whose claim another process contested does not write again and again once it is held") {
    world w;
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    w.stop();
    // Between the proof and the claim the checkpoint is written again, and the master is lost.
    bool contested = false;
    const std::string key = "/.etcd-sync/etcd-sync";
    const std::uint64_t claim = w.slave_server.requests() + 4;  // after three reads of the checkpoints
    w.slave_server.script = [&](std::uint64_t number) {
        if (number != claim) return test::fault::none;
        contested = true;
        w.slave.put(key, w.slave.keys().at(key));
        w.master = test::model_etcd();
        w.master_server.cut();
        return test::fault::none;
    };
    w.start();
    REQUIRE(w.eventually([&] { return contested && w.link().state == link_state::held; }));
    w.eventually([] { return false; }, 1min);
    const auto before = w.slave.revision();
    w.eventually([] { return false; }, 10min);
    CHECK(w.link().state == link_state::held);
    CHECK(w.slave.revision() <= before + 1);  // that the master has another history is stored once
}

TEST_CASE("with on_master_change = \"resync\" the slave follows another master") {
    world w;
    w.settings.slaves[0].guards.on_master_change = config::master_change::resync;
    w.settings.slaves[0].guards.max_delete = {true, 100};
    w.lose_master(5);
    for (int i = 0; i < 20; ++i) w.master.put("/a/00002", "other");
    CHECK(w.settles(5min));
}

TEST_CASE(
    "a value too large for the slave and for the log no longer blocks the link once it is replaced on the master") {
    test::model_etcd::settings small;
    small.max_request_bytes = 20U << 10;
    world w({}, small);
    w.settings.replicate.log_limit.value = 8U << 10;
    w.settings.replicate.memory_limit.value = 1U << 20;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    w.put("/a/00003", std::string(40'000, 'b'));
    w.put("/a/00004", "behind it");
    REQUIRE(w.eventually([&] { return w.link().cause.find("/a/00003") != std::string::npos; }));
    w.eventually([] { return false; }, 1min);  // the write is retried
    CHECK_FALSE(w.exact());
    w.put("/a/00003", "small again");
    CHECK(w.settles());
    CHECK(w.untruth() == "");
    w.stop();
}

TEST_CASE("a full sync that is killed before its first page leaves a checkpoint that proves the master's history") {
    world w;
    w.settings.slaves[0].guards.max_delete.amount = 10;
    w.many(50, "v");
    w.start();
    REQUIRE(w.settles());
    w.stop();
    // The missed revisions are compacted, so everything is compared; the newest anchor still proves that the master is
    // the same.
    w.many(20, "w");
    w.del("/a/00020", "/a/00030");
    w.master.compact(w.master.revision());
    w.start();
    REQUIRE(w.eventually([&] { return w.link().state == link_state::full_sync; }));
    w.slave_server.script = [](std::uint64_t) { return fault::lost; };
    w.kill();
    w.slave_server.script = nullptr;
    w.start();
    CHECK(w.settles());
    INFO(w.told());
    CHECK(w.told().find("held") == std::string::npos);
    w.stop();
}

TEST_CASE("a one-shot sync applies missed deletes before it compares, so no guard blocks them") {
    world w;
    w.settings.slaves[0].guards.max_delete.amount = 10;
    w.many(300, "v");
    w.start();
    REQUIRE(w.settles());
    w.stop();
    w.del("/a/00000", "/a/00250");
    job once;
    once.once = true;
    w.start(once);
    REQUIRE(w.eventually([&] { return w.link().finished; }));
    CHECK(w.link().state == link_state::in_sync);
    CHECK(w.exact());
    CHECK(w.told().find("requested") != std::string::npos);  // everything was compared, too
    w.stop();
}

TEST_CASE("a slave that reconnects to a daemon that never lost its master needs no other proof") {
    world w;
    w.settings.slaves[0].guards.max_delete.amount = 10;
    w.settings.replicate.log_limit.value = 1U << 10;
    w.settings.replicate.memory_limit.value = 1U << 20;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    w.slave_server.refuse(true);
    w.slave_server.cut();
    // Everything that could prove the history is overwritten or compacted, and most values have changed.
    w.many(20, "a value of some length, so that the log does not hold them all");
    w.many(20, "another value of some length, so that the log does not hold them all");
    w.eventually([] { return false; }, 1s);
    w.master.compact(w.master.revision());
    w.slave_server.refuse(false);
    CHECK(w.settles());
    CHECK(w.told().find("held") == std::string::npos);
    w.stop();
}

TEST_CASE("a mass delete during a full sync uses the permit that the link already has") {
    with_small_log w;
    w.settings.replicate.full_sync_parallel = 1;
    w.many(1'000, std::string(1'000, 'v'));
    bool deleted = false;
    w.slave_server.script = [&](std::uint64_t number) {
        if (number == 8 && !std::exchange(deleted, true)) w.del("/a/00000", "/a/00300");
        return fault::none;
    };
    w.start();
    CHECK(w.settles());
    CHECK(deleted);
    CHECK(w.untruth() == "");
    w.stop();
}

TEST_CASE("a slave that is the master under another name is held before any key is written") {
    world w;
    w.many(5, "v");
    test::model_server alias(w.loop, w.dialer, "http://alias:1", w.master);
    w.settings.slaves[0].endpoints[0].url = "http://alias:1";
    w.settings.slaves[0].endpoints[0].host = "alias";
    w.settings.slaves[0].dest = "/copy";
    SUBCASE("with a user that has all permissions") {}
    SUBCASE("with a user that may read only the rules' keys") {
        w.master_server.denies = [](std::string_view key, std::string_view) { return !key.starts_with("/a/"); };
    }
    w.start();
    REQUIRE(w.eventually([&] { return w.link().state == link_state::held; }));
    CHECK(w.link().cause.find("the master itself") != std::string::npos);
    const std::int64_t then = w.master.revision();
    w.eventually([] { return false; }, 10min);
    CHECK(w.master.revision() == then);
    for (const auto& [key, value] : w.master.keys()) CHECK_FALSE(key.starts_with("/copy"));
    w.stop();
}

TEST_CASE("another store with the ids of the master is synced, even if the checkpoints cannot be compared") {
    world w;
    w.master_server.denies = [](std::string_view key, std::string_view) { return !key.starts_with("/a/"); };
    w.many(5, "v");
    w.start();
    CHECK(w.settles());
    w.put("/a/00001", "later");
    CHECK(w.settles());
    CHECK(w.lines.count("held: needs approval") == 0);
    w.stop();
}

TEST_CASE("a watch violation is counted, and then everything is compared") {
    world w;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    bool spoiled = false;
    w.master_server.spoil = [&](etcdserverpb::WatchResponse& answer) {
        if (answer.events_size() == 0 || std::exchange(spoiled, true)) return;
        answer.mutable_events(0)->mutable_kv()->set_mod_revision(3);  // long before the reported revisions
    };
    w.put("/a/00003", "wrong revision");
    REQUIRE(w.eventually([&] { return w.current().master.violations == 1; }));
    CHECK(w.settles());
    CHECK(spoiled);
    CHECK(w.told().find("full sync slave=default revision=21 cause=watch protocol violation by the master") !=
          std::string::npos);
    CHECK(w.untruth() == "");
    w.stop();
}
