// SPDX-License-Identifier: Apache-2.0
// Requests of an operator to a running link between etcds in memory.
#include "unit/replication/setup/two_slaves.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

/// In sync with 50 keys; then the master is replaced by one with other keys.
void hold_by_another_master(world& w) {
    w.lose_master(50);
    for (int i = 0; i < 80; ++i) w.master.put("/a/other", "v");
    REQUIRE(w.eventually([&] { return w.link().state == link_state::held; }));
}

/// In sync with 300 keys; then most of them are deleted, and the deletes are compacted. Another client wrote on the slave, so that
/// not all that it has more was deleted by the master.
void hold_by_guard(world& w) {
    w.settings.slaves[0].guards.max_delete.amount = 10;
    w.many(300, "v");
    w.start();
    REQUIRE(w.settles());
    w.put("/a/00280", "proves the master's history");
    REQUIRE(w.settles());
    w.slave_server.refuse(true);
    w.slave_server.cut();
    w.stop();
    w.slave.put("/a/more", "v");
    w.del("/a/00000", "/a/00250");
    w.put("/a/00299", "changed");
    w.master.compact(w.master.revision());
    w.slave_server.refuse(false);
    w.start();
    REQUIRE(w.eventually([&] { return w.link().state == link_state::held; }));
}

/// A link that connects again does not repeat the full sync for a violation.
void check_owes_nothing(world& w) {
    const auto syncs = w.lines.count("watch protocol violation by the master");
    w.slave_server.cut();
    w.put("/a/00004", "v2");
    CHECK(w.settles());
    CHECK(w.lines.count("watch protocol violation by the master") == syncs);
}

}  // namespace

TEST_CASE("a paused link writes nothing, and continues at its checkpoint when it is resumed") {
    two_slaves w;
    w.many(50, "v");
    w.start();
    REQUIRE(w.both_settle());
    CHECK(w.running().pause("default"));
    w.loop.settle();
    CHECK(w.link("default").state == link_state::paused);
    const auto before = w.slave.revision();
    w.put("/a/00001", "while paused");
    w.del("/a/00002");
    w.eventually([] { return false; }, 10min);
    CHECK(w.link("default").state == link_state::paused);
    CHECK(w.slave.revision() == before);
    CHECK(w.is_copied(w.other, "/a/"));
    CHECK(w.running().resume("default"));
    CHECK(w.both_settle("/a/", "/a/", 1s));
    CHECK(w.link("default").puts == 51);
    CHECK(w.link("default").deletes == 1);
    CHECK(w.untruth().empty());
}

TEST_CASE("a link can be paused at any point, and a Txn in flight completes") {
    for (std::uint64_t k = 1; k <= 30; ++k) {
        world w;
        w.many(200, std::string(1'000, 'x'));
        bool paused = false;
        std::int64_t at = 0;
        w.slave_server.script = [&](std::uint64_t number) {
            if (number == k && !std::exchange(paused, true)) {
                w.running().pause("default");
                at = w.slave.revision();
            }
            return test::fault::none;
        };
        w.start();
        for (int i = 0; i < 40 && !paused; ++i) {
            w.put("/a/00003", std::to_string(i));
            w.eventually([&] { return paused; }, 1s);
        }
        REQUIRE(paused);
        w.put("/a/00004", "while paused");
        w.eventually([] { return false; }, 1min);
        CHECK(w.link().state == link_state::paused);
        CHECK(w.slave.revision() <= at + 1);
        w.running().resume("default");
        CHECK(w.settles());
        CHECK(w.untruth().empty());
    }
}

TEST_CASE("a pause that is resumed at once changes nothing, and a pause survives the loss of the slave") {
    world w;
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    w.running().pause("default");
    w.running().resume("default");
    w.put("/a/00001", "later");
    CHECK(w.settles());
    w.slave_server.refuse(true);
    w.slave_server.cut();
    w.eventually([] { return false; }, 5s);
    CHECK(w.link().state == link_state::disconnected);
    w.running().pause("default");
    w.loop.settle();
    CHECK(w.link().state == link_state::paused);
    w.slave_server.refuse(false);
    w.put("/a/00001", "while paused");
    w.eventually([] { return false; }, 5min);
    CHECK(w.link().state == link_state::paused);
    CHECK_FALSE(w.exact());
    w.running().resume("default");
    CHECK(w.settles());
}

TEST_CASE("a slave that is configured as paused starts paused, and a reload resumes it in place") {
    two_slaves w;
    w.settings.slaves[1].paused = true;
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    CHECK(w.link("other").state == link_state::paused);
    CHECK(w.dials("other") == 0);
    w.settings.slaves[1].paused = false;
    w.apply();
    CHECK(w.both_settle());
    w.settings.slaves[1].paused = true;
    w.apply();
    w.loop.settle();
    CHECK(w.link("other").state == link_state::paused);
    CHECK(w.dials("other") == 2);  // the link and the leader
}

TEST_CASE("a resync repairs what another client changed on the slave") {
    world w;
    w.many(50, "v");
    w.start();
    REQUIRE(w.settles());
    w.slave.put("/a/00007", "damaged");
    w.slave.del("/a/00008");
    w.eventually([] { return false; }, 1min);
    CHECK_FALSE(w.exact());
    const auto puts = w.link().puts;
    CHECK(w.running().resync("default"));
    CHECK(w.settles());
    CHECK(w.link().puts == puts + 2);
    const auto syncs = w.lines.count("requested by the operator");
    CHECK(syncs == 1);
    w.eventually([] { return false; }, 10min);
    CHECK(w.lines.count("requested by the operator") == syncs);
    CHECK(w.running().resync("default"));
    CHECK(w.eventually([&] { return w.lines.count("requested by the operator") == syncs + 1; }));
    CHECK(w.settles());
}

TEST_CASE("whichever request fails during a resync, the resync is done in the end") {
    for (const test::fault what : test::every_fault) {
        for (std::uint64_t k = 1; k <= 14; ++k) {
            world w;
            w.many(200, std::string(1'000, 'x'));
            w.start();
            REQUIRE(w.settles());
            w.slave.put("/a/00007", "damaged");
            w.slave.put("/a/00199", "damaged");
            const std::uint64_t from = w.slave_server.requests();
            w.slave_server.script = [&](std::uint64_t number) { return number == from + k ? what : test::fault::none; };
            CHECK(w.running().resync("default"));
            CHECK_MESSAGE(w.settles(), "request " << k << ", " << test::to_string(what) << "\n" << w.told());
            CHECK(w.link().state == link_state::in_sync);
        }
    }
}

TEST_CASE("a resync that is requested while the slave is unreachable or paused is done later") {
    world w;
    w.many(50, "v");
    w.start();
    REQUIRE(w.settles());
    w.slave.put("/a/00007", "damaged");
    SUBCASE("paused") {
        w.running().pause("default");
        CHECK(w.running().resync("default"));
        w.eventually([] { return false; }, 1min);
        CHECK_FALSE(w.exact());
        w.running().resume("default");
    }
    SUBCASE("unreachable") {
        w.slave_server.refuse(true);
        w.slave_server.cut();
        w.eventually([] { return false; }, 5s);
        CHECK(w.running().resync("default"));
        w.eventually([] { return false; }, 1min);
        w.slave_server.refuse(false);
    }
    CHECK(w.settles());
}

TEST_CASE("an approved link does what its guard blocked, once") {
    world w;
    hold_by_guard(w);
    CHECK(w.running().approve("default", false));
    CHECK(w.settles());
    CHECK(w.link().deletes == 251);
    CHECK_FALSE(w.running().approve("default", false));  // it is not held
    // The next time it is held again.
    w.slave_server.refuse(true);
    w.slave_server.cut();
    w.put("/a/00298", "changed");
    w.stop();
    w.many(200, "w", 1'000);
    w.slave_server.refuse(false);
    w.start();
    REQUIRE(w.settles());
    const auto deletes = w.link().deletes;
    for (int i = 0; i < 150; ++i) w.slave.put("/a/foreign" + std::to_string(i), "put there by another client");
    w.running().resync("default");
    CHECK(w.eventually([&] { return w.link().state == link_state::held; }));
    CHECK(w.link().deletes == deletes);
    CHECK(w.running().approve("default", false));
    CHECK(w.settles());
}

TEST_CASE("without a new approval the guard holds the same link again") {
    world w;
    hold_by_guard(w);
    CHECK(w.running().approve("default", false));
    REQUIRE(w.settles());
    for (int i = 0; i < 150; ++i) w.slave.put("/a/foreign" + std::to_string(i), "put there by another client");
    w.running().resync("default");
    CHECK(w.eventually([&] { return w.link().state == link_state::held; }));
    CHECK_FALSE(w.exact());
}

TEST_CASE("an approved link follows another master; its foreign keys go only if the approval says so") {
    world w;
    w.slave.put("/a/foreign", "existed before");
    w.many(50, "v");
    w.start();
    REQUIRE(w.eventually([&] { return w.in_sync(); }));
    w.put("/a/00001", "seen");
    REQUIRE(w.eventually([&] { return w.slave.keys().at("/a/00001") == "seen"; }));
    w.master_server.cut();
    w.master = test::model_etcd();
    for (int i = 0; i < 80; ++i) w.master.put("/a/other", "v");
    REQUIRE(w.eventually([&] { return w.link().state == link_state::held; }));
    const auto before = w.slave.revision();
    w.eventually([] { return false; }, 10min);
    CHECK(w.slave.revision() == before);
    SUBCASE("with them") {
        CHECK(w.running().approve("default", true));
        CHECK(w.settles());
        CHECK_FALSE(w.slave.keys().contains("/a/foreign"));
    }
    SUBCASE("without them") {
        CHECK(w.running().approve("default", false));
        CHECK(w.eventually([&] { return w.in_sync() && !w.slave.keys().contains("/a/00001"); }));
        CHECK(w.slave.keys().contains("/a/foreign"));
        CHECK(w.link().foreign_keys == 1);
    }
}

TEST_CASE("foreign keys of a link that nothing holds are deleted when an operator approves that, and only then") {
    world w;
    w.settings.slaves[0].guards.max_delete.amount = 10;
    w.many(500, "v");
    w.slave.put("/a/foreign", "there before the first sync");
    w.start();
    REQUIRE(w.eventually([&] { return w.in_sync(); }));
    CHECK_FALSE(w.running().approve("default", false));
    CHECK(w.running().resync("default"));
    CHECK(w.eventually([&] { return w.in_sync() && w.lines.count("requested by the operator") == 1; }));
    CHECK(w.slave.keys().contains("/a/foreign"));
    CHECK(w.lines.count("keeping foreign keys that the master does not have slave=default keys=1 examples=/a/foreign "
                        "preview=etcd-sync sync -n --approve --foreign --slave default "
                        "approve=etcd-sync sync --approve --foreign --slave default") == 2);
    CHECK(w.running().approve("default", true));
    CHECK_MESSAGE(w.settles(), w.told());
    CHECK(w.link().deletes == 1);
    CHECK(w.lines.count("held: needs approval") == 0);
}

TEST_CASE("the guard holds a link whose foreign keys would be too many deletes") {
    world w;
    w.settings.slaves[0].guards.max_delete.amount = 50;
    w.many(50, "v");
    for (int i = 0; i < 150; ++i) w.slave.put("/a/foreign" + std::to_string(i), "there before the first sync");
    w.start();
    REQUIRE(w.eventually([&] { return w.in_sync(); }));
    CHECK(w.running().approve("default", true));
    REQUIRE(w.eventually([&] { return w.link().state == link_state::held; }));
    CHECK(w.link().approvable);
    CHECK(w.link().deletes == 0);
    CHECK(w.running().approve("default", false));
    CHECK(w.settles());
}

TEST_CASE("whichever request fails after an approval, the approval is carried out") {
    for (const test::fault what : test::every_fault) {
        for (std::uint64_t k = 1; k <= 12; ++k) {
            world w;
            hold_by_another_master(w);
            const std::uint64_t from = w.slave_server.requests();
            w.slave_server.script = [&](std::uint64_t number) { return number == from + k ? what : test::fault::none; };
            CHECK(w.running().approve("default", false));
            CHECK_MESSAGE(w.settles(), "request " << k << ", " << test::to_string(what) << "\n" << w.told());
        }
    }
}

TEST_CASE("an approval that arrives while the held link proves the master again is carried out") {
    for (std::uint64_t k = 1; k <= 8; ++k) {
        world w;
        hold_by_another_master(w);
        const std::uint64_t from = w.master_server.requests();
        bool approved = false;
        w.master_server.script = [&](std::uint64_t number) {
            if (number == from + k) approved = w.running().approve("default", false);
            return test::fault::none;
        };
        w.eventually([&] { return approved; }, 10min);
        REQUIRE(approved);
        CHECK_MESSAGE(w.settles(), "request " << k << " to the master\n" << w.told());
    }
}

TEST_CASE("an approval of a guard does not accept another master that appears before it is used") {
    world w;
    hold_by_guard(w);
    w.slave_server.refuse(true);
    CHECK(w.running().approve("default", false));
    w.slave_server.cut();
    w.eventually([] { return false; }, 5s);
    w.master_server.cut();
    w.master = test::model_etcd();
    for (int i = 0; i < 500; ++i) w.master.put("/a/other", "v");
    w.slave_server.refuse(false);
    CHECK_MESSAGE(w.eventually([&] { return w.link().state == link_state::held; }), w.told());
    CHECK(w.slave.keys().contains("/a/00001"));
    CHECK(w.running().approve("default", false));
    CHECK(w.settles());
}

TEST_CASE("a link that is held by another process cannot be approved") {
    world w;
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    // Another process keeps writing its own checkpoint of the same instance.
    std::string text = w.slave.keys().at(std::string(checkpoints) + "etcd-sync");
    const std::string writer = R"("writer":")";
    text.replace(text.find(writer) + writer.size(), 4, "dead");
    for (int i = 0; i < 200 && w.link().state != link_state::held; ++i) {
        const auto seq = text.find(R"("seq":)") + 6;
        text.replace(seq, text.find_first_not_of("0123456789", seq) - seq, std::to_string(1'000 + i));
        w.slave.put(std::string(checkpoints) + "etcd-sync", text);
        w.eventually([&] { return w.link().state == link_state::held; }, 1s);
    }
    REQUIRE(w.link().state == link_state::held);
    CHECK_FALSE(w.running().approve("default", false));
}

TEST_CASE("with on_master_change = \"resync\" the guards are lifted for that one change only") {
    world w;
    w.settings.slaves[0].guards.on_master_change = config::master_change::resync;
    w.settings.replicate.log_limit.value = 8U << 10;
    w.settings.replicate.memory_limit.value = 1U << 20;
    w.settings.slaves[0].guards.max_delete.amount = 10;
    w.many(300, "v");
    w.start();
    REQUIRE(w.settles());
    w.put("/a/00001", "seen");
    REQUIRE(w.settles());
    w.master_server.cut();
    w.master = test::model_etcd();
    w.many(300, "w");
    for (int i = 0; i < 80; ++i) w.master.put("/a/other", "v");
    w.master_server.changed();
    REQUIRE(w.settles());
    w.slave.put("/a/more", "put there by another client");
    // More than the log keeps, and what the slave needs is compacted when it is requested: a full sync on the same
    // connection.
    const auto dials = w.dialer.dialed().size();
    const std::uint64_t from = w.master_server.requests();
    w.master_server.script = [&](std::uint64_t number) {
        if (number == from + 1) w.master.compact(w.master.revision());
        return test::fault::none;
    };
    for (int i = 0; i < 40; ++i) {
        if (i == 20) w.del("/a/00000", "/a/00250");
        w.put("/a/00290", std::string(200'000, 'x'));
    }
    REQUIRE_MESSAGE(w.eventually([&] { return w.link().state == link_state::held; }), w.told());
    CHECK(w.slave.keys().contains("/a/00001"));
    CHECK(std::ranges::count(w.dialer.dialed(), "http://slave:1") == 2);  // the link and the leader
    CHECK(w.dialer.dialed().size() > dials);                              // the watch of the link's own
}

TEST_CASE("a request to resume a link that is not paused does not interrupt it") {
    world w;
    w.many(2'000, std::string(1'000, 'x'));
    w.start();
    REQUIRE(w.settles());
    const auto syncs = w.lines.count("requested by the operator");
    const std::uint64_t from = w.slave_server.requests();
    w.slave_server.script = [&](std::uint64_t number) {
        if (number > from) w.running().resume("default");
        return test::fault::none;
    };
    w.running().resync("default");
    REQUIRE(w.eventually([&] { return w.lines.count("requested by the operator") == syncs + 1; }));
    CHECK(w.settles());
    CHECK(w.lines.count("requested by the operator") == syncs + 1);
}

TEST_CASE("a full sync required by a watch violation is not forgotten if the slave is lost before it begins") {
    config::consistency_mode mode = config::consistency_mode::all;
    SUBCASE("of all rules") {}
    SUBCASE("of one rule") { mode = config::consistency_mode::rule; }
    for (std::uint64_t k = 1; k <= 12; ++k) {
        world w;
        w.settings.replicate.consistency = mode;
        w.settings.rules[0].name = "a";
        w.many(50, "v");
        w.start();
        REQUIRE(w.settles());
        w.slave.put("/a/00007", "damaged");
        bool spoiled = false;
        std::uint64_t from = 0;
        w.master_server.spoil = [&](etcdserverpb::WatchResponse& answer) {
            if (answer.events_size() == 0 || std::exchange(spoiled, true)) return;
            answer.mutable_events(0)->mutable_kv()->set_mod_revision(3);  // long before the others
            from = w.slave_server.requests();
        };
        w.slave_server.script = [&](std::uint64_t number) {
            return spoiled && number == from + k ? test::fault::cut : test::fault::none;
        };
        w.put("/a/00003", "v2");
        REQUIRE(w.eventually([&] { return spoiled; }));
        CHECK_MESSAGE(w.settles(), "request " << k << " to the slave\n" << w.told());
        check_owes_nothing(w);
    }
}

TEST_CASE("nor is one forgotten that is required by a violation of the watch with which the link catches up") {
    for (std::uint64_t k = 0; k <= 12; ++k) {  // 0: the slave stays
        world w;
        w.settings.replicate.log_limit.value = 1U << 10;
        w.settings.replicate.memory_limit.value = 1U << 20;
        w.put("/a/quiet", "v");
        w.many(50, "v");
        w.start();
        REQUIRE(w.settles());
        w.slave_server.refuse(true);
        w.slave_server.cut();
        for (int i = 0; i < 8; ++i) w.many(50, "a value of some length, so that the log does not hold them all");
        w.eventually([] { return false; }, 1s);
        w.slave.put("/a/quiet", "damaged");
        // The feed has received everything: its master sends events only to prove itself, then to the link that catches up.
        unsigned answers = 0;
        std::uint64_t from = 0;
        w.master_server.spoil = [&](etcdserverpb::WatchResponse& answer) {
            if (answer.events_size() < 50 || ++answers != 2) return;
            answer.mutable_events(49)->mutable_kv()->set_mod_revision(3);  // long before the others
            from = w.slave_server.requests();
        };
        w.slave_server.script = [&](std::uint64_t number) {
            return answers >= 2 && k > 0 && number == from + k ? test::fault::cut : test::fault::none;
        };
        w.slave_server.refuse(false);
        REQUIRE(w.eventually([&] { return answers >= 2; }));
        CHECK_MESSAGE(w.settles(), "request " << k << " to the slave\n" << w.told());
        CHECK(w.lines.count("watch protocol violation; comparing this slave") == 1);
        check_owes_nothing(w);
    }
}

TEST_CASE("a link that is paused while it connects writes nothing, not even its claim") {
    for (std::uint64_t k = 1; k <= 6; ++k) {
        world w;
        w.many(50, "v");
        w.start();
        REQUIRE(w.settles());
        w.slave_server.cut();
        const std::uint64_t from = w.slave_server.requests();
        std::int64_t at = 0;
        w.slave_server.script = [&](std::uint64_t number) {
            if (number == from + k) {
                w.running().pause("default");
                at = w.slave.revision();
            }
            return test::fault::none;
        };
        w.put("/a/00003", "v2");
        w.eventually([&] { return at != 0; }, 1min);
        if (at == 0) continue;
        w.eventually([] { return false; }, 1min);
        CHECK(w.link().state == link_state::paused);
        CHECK(w.slave.revision() <= at + 1);  // the Txn that was in flight
        const auto before = w.slave.revision();
        // The same again, with a claim that the pause had interrupted before.
        w.running().resume("default");
        w.running().pause("default");
        w.eventually([] { return false; }, 1min);
        CHECK(w.slave.revision() == before);
        w.running().resume("default");
        CHECK(w.settles());
    }
}

TEST_CASE("a pause and a resync survive a reload that rebuilds the link; a later change in the file takes precedence") {
    for (const bool rebuild_all : {false, true}) {
        for (const bool by_file : {false, true}) {
            CAPTURE(rebuild_all);
            CAPTURE(by_file);
            two_slaves w;
            w.many(50, "v");
            w.start();
            REQUIRE(w.both_settle());
            CHECK(w.running().pause("other"));
            CHECK(w.running().resync("other"));
            w.loop.settle();
            w.other.put("/a/00007", "damaged");
            const auto before = w.other.revision();
            if (rebuild_all) w.settings.replicate.probe_interval += 1s;
            w.settings.slaves[1].guards.max_delete.amount = 3;
            w.apply();
            w.eventually([] { return false; }, 1min);
            CHECK(w.link("other").state == link_state::paused);
            CHECK(w.other.revision() == before + 1);  // the leader key ends
            if (by_file) {
                w.settings.slaves[1].paused = true;
                w.apply();
                w.settings.slaves[1].paused = false;
                w.settings.slaves[1].guards.max_delete.amount = 4;
                w.apply();
            } else {
                CHECK(w.running().resume("other"));
            }
            CHECK(w.both_settle());
            CHECK(w.other.keys().at("/a/00007") == "v");
        }
    }
}

TEST_CASE("a request that arrives while a reload waits for a Txn is not lost") {
    two_slaves w;
    w.many(50, "v");
    w.start();
    REQUIRE(w.both_settle());
    w.other_server.script = [](std::uint64_t) { return test::fault::lost; };
    w.put("/a/00001", "in flight");
    REQUIRE(w.eventually([&] { return w.is_copied(w.slave, "/a/"); }));
    w.settings.slaves[1].guards.max_delete.amount = 3;
    w.begin_apply();
    w.loop.settle();
    REQUIRE(w.applied().empty());
    CHECK(w.current().links.size() == 2);  // the status does not lose a slave meanwhile
    CHECK(w.current().links[1].slave == "other");
    CHECK(w.running().pause("other"));
    w.other_server.script = nullptr;
    REQUIRE(w.eventually([&] { return !w.applied().empty(); }));
    CHECK(w.link("other").state == link_state::paused);
    CHECK(w.running().resume("other"));
    CHECK(w.both_settle());
}

TEST_CASE("requests for an unknown slave are rejected, and so is an approval of a link that is not held") {
    world w;
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    CHECK_FALSE(w.running().pause("nobody"));
    CHECK_FALSE(w.running().resume("nobody"));
    CHECK_FALSE(w.running().resync("nobody"));
    CHECK_FALSE(w.running().approve("nobody", false));
    CHECK_FALSE(w.running().approve("default", false));
    CHECK(w.settles());
}
