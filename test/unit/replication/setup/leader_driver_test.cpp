// SPDX-License-Identifier: Apache-2.0
// Two replicators with the same instance name: one leads a slave, the other stands by (design.md section 6, Link 3).
#include "unit/replication/setup/two_daemons.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

constexpr auto never = 24h;

/// Every revision of the slave has one write of the checkpoint at most, and its data is what the checkpoint says.
void check_history(const two_daemons& w) {
    INFO("a:\n", w.told());
    INFO("b:\n", w.b_told());
    CHECK(w.untruth().empty());
}

}  // namespace

TEST_CASE("a second daemon stands by and writes nothing") {
    two_daemons w;
    w.begin();
    CHECK(w.b().cause.starts_with("process 101 on another host has replicated since 2023-12-26T"));
    CHECK(w.b_told().find("standby: another etcd-sync replicates to this slave") != std::string::npos);
    const std::string first = w.writer(w.slave);
    for (int i = 0; i < 30; ++i) {
        w.put("/a/00001", std::to_string(i));
        REQUIRE(w.settles());
        w.loop.clock.advance(1s);
    }
    CHECK(w.writer(w.slave) == first);
    CHECK(w.b_stands_by());
    CHECK(w.b().puts == 0);
    check_history(w);
}

TEST_CASE("a leader and a standby each read the leader key once per probe interval, and at once when it changes") {
    two_daemons w;
    w.begin();
    int reads = 0;
    w.slave_server.denies = [&reads](std::string_view key, std::string_view) {
        if (key == two_daemons::leader_key) ++reads;
        return false;
    };
    for (int i = 0; i < 600; ++i) {
        if (i % 10 == 0) w.put("/a/00001", std::to_string(i));
        w.loop.clock.advance(100ms);
    }
    CHECK(reads >= 10);
    CHECK(reads <= 14);
    w.stop();
    CHECK(w.time_until([&] { return w.b_in_sync(); }) <= 1s);
    check_history(w);
}

TEST_CASE("a standby without a watch reads the leader key every second instead, and takes over in time") {
    two_daemons w;
    w.slave_server.spoil = [](etcdserverpb::WatchResponse& of) { of.set_canceled(true); };
    w.begin();
    w.loop.clock.advance(5s);
    int reads = 0;
    w.slave_server.denies = [&reads](std::string_view key, std::string_view) {
        if (key == two_daemons::leader_key) ++reads;
        return false;
    };
    w.loop.clock.advance(60s);
    CHECK(reads >= 60);
    CHECK(reads <= 90);
    w.kill();
    CHECK(w.time_until([&] { return w.b_in_sync(); }) <= 12s);
    check_history(w);
}

TEST_CASE("a slave that does not answer is dialed by its link alone, not by its leader as well") {
    two_daemons w;
    w.slave_server.script = [](std::uint64_t) { return test::fault::cut; };
    w.start();
    w.loop.clock.advance(2min);
    const auto dials = std::ranges::count(w.dialer.dialed(), "http://slave:1");
    CHECK(dials >= 5);
    CHECK(dials <= 25);
    w.slave_server.script = nullptr;
    CHECK(w.settles());
    CHECK_FALSE(w.leader_value().empty());
}

TEST_CASE("neither the leader nor a standby writes anything while the master is quiet") {
    two_daemons w;
    w.begin();
    const auto before = w.slave.revision();
    w.loop.clock.advance(1h);
    CHECK(w.slave.revision() == before);
    CHECK(w.in_sync());
    CHECK(w.b_stands_by());
}

TEST_CASE("a daemon that starts alone replicates at once, and leaves neither key nor name when it stops") {
    two_daemons w;
    w.many(20, "v");
    w.start();
    CHECK(w.time_until([&] { return w.in_sync() && w.exact(); }) <= 1s);
    CHECK_FALSE(w.leader_value().empty());
    w.stop();
    CHECK(w.leader_value().empty());
    CHECK(w.writer(w.slave).empty());
    w.start();
    CHECK(w.time_until([&] { return w.in_sync() && w.exact(); }) <= 1s);
    check_history(w);
}

TEST_CASE("after a clean stop of the leader the standby takes over within a second") {
    two_daemons w;
    w.begin();
    w.put("/a/00001", "just before");
    w.stop();
    w.put("/a/00002", "just after");
    CHECK(w.time_until([&] { return w.b_in_sync(); }) <= 1s);
    CHECK(w.b_told().find("took over from another etcd-sync") != std::string::npos);
    CHECK(w.b_told().find("held") == std::string::npos);
    // And back again.
    w.start();
    REQUIRE(w.eventually([&] { return w.link().state == link_state::standby; }));
    w.stop_b();
    CHECK(w.time_until([&] { return w.in_sync() && w.exact(); }) <= 1s);
    check_history(w);
}

TEST_CASE("after the leader was killed the standby takes over within 12 s, whether the master is busy or quiet") {
    for (const bool busy : {false, true}) {
        CAPTURE(busy);
        for (int phase = 0; phase < 12; ++phase) {
            CAPTURE(phase);
            two_daemons w;
            w.begin();
            for (int i = 0; i < 10 + phase; ++i) {
                if (busy) w.put("/a/00001", std::to_string(i));
                w.loop.clock.advance(700ms);
            }
            if (busy) w.put("/a/00001", "last");
            w.loop.settle();
            w.kill();
            w.put("/a/00002", "after");
            CHECK(w.time_until([&] { return w.b_in_sync(); }) <= 12s);
            CHECK(w.b_told().find("held") == std::string::npos);
            check_history(w);
        }
    }
}

TEST_CASE("a daemon that was killed and starts again on the same host leads at once, and the standby keeps waiting") {
    two_daemons w;
    w.begin();
    w.kill();
    w.put("/a/00002", "meanwhile");
    w.start();
    CHECK(w.time_until([&] { return w.in_sync() && w.exact(); }) <= 1s);
    w.loop.clock.advance(1min);
    CHECK(w.b_stands_by());
    check_history(w);
}

TEST_CASE("a daemon alone that was killed and starts after its lease ended waits 10 s for others, and says so") {
    two_daemons w;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    w.kill();
    w.loop.clock.advance(1min);
    REQUIRE(w.leader_value().empty());
    w.start();
    const auto waited = w.time_until([&] { return w.in_sync(); });
    CHECK(waited >= 10s);
    CHECK(waited <= 12s);
    CHECK(w.told().find("waiting for the previous etcd-sync") != std::string::npos);
}

TEST_CASE("a leader that was frozen writes nothing when it wakes, not even what it had sent") {
    for (const bool txn_in_flight : {false, true}) {
        CAPTURE(txn_in_flight);
        two_daemons w;
        w.begin();
        w.slave_server.stall(std::string("http://slave:1"), true);
        if (txn_in_flight) w.put("/a/00001", "in flight");
        w.loop.settle();
        w.master_server.stall(std::string("http://master:1"), true);
        const auto taken = w.time_until([&] { return w.b_in_sync() && !w.leader_value().empty(); });
        CHECK(taken <= 25s);
        w.put("/a/00001", "by b");
        w.put("/a/00003", "by b");
        REQUIRE(w.eventually([&] { return w.b_in_sync(); }));
        w.loop.clock.advance(40s);
        const auto revision = w.slave.revision();
        w.slave_server.stall(std::string("http://slave:1"), false);
        w.master_server.stall(std::string("http://master:1"), false);
        REQUIRE(w.eventually([&] { return w.link().state == link_state::standby; }));
        w.loop.clock.advance(1min);
        CHECK(w.slave.revision() == revision);
        CHECK(w.b_in_sync());
        CHECK(w.told().find("held") == std::string::npos);
        check_history(w);
    }
}

TEST_CASE("a leader that lost its master gives way after 30 s, and stands by when it is back") {
    two_daemons w;
    w.begin();
    w.loop.clock.advance(20s);
    w.master_server.refuse("http://master:1", true);
    w.master_server.cut("http://master:1");
    w.put("/a/00001", "only b sees it");
    w.loop.clock.advance(29s);
    CHECK_FALSE(w.exact());
    CHECK(w.b_stands_by());
    CHECK(w.time_until([&] { return w.b_in_sync(); }) <= 3s);
    CHECK(w.told().find("no connection to the master: another etcd-sync may replicate") != std::string::npos);
    w.master_server.refuse("http://master:1", false);
    REQUIRE(w.eventually([&] { return w.link().state == link_state::standby; }));
    w.loop.clock.advance(1min);
    CHECK(w.b_in_sync());
    check_history(w);
}

TEST_CASE("a daemon alone without its master continues at once when the master is back") {
    two_daemons w;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    w.master_server.refuse(true);
    w.master_server.cut();
    w.loop.clock.advance(5min);
    CHECK(w.leader_value().empty());
    CHECK(w.link().state == link_state::connecting);
    CHECK(w.link().cause == "waiting for the master");
    w.put("/a/00001", "meanwhile");
    w.master_server.refuse(false);
    REQUIRE(w.eventually([&] { return w.current().master.connected; }));
    CHECK(w.time_until([&] { return w.in_sync() && w.exact(); }) <= 1s);
    check_history(w);
}

TEST_CASE("a leader that was away continues soon although the other one was killed meanwhile") {
    for (const bool frozen : {false, true}) {
        CAPTURE(frozen);
        two_daemons w;
        w.begin();
        if (frozen) {
            w.freeze(true);
        } else {
            w.slave_server.refuse("http://slave:1", true);
            w.slave_server.cut("http://slave:1");
        }
        w.put("/a/00001", "b leads");
        REQUIRE(w.time_until([&] { return w.b_in_sync(); }) <= 25s);
        w.put("/a/00001", "b writes");
        REQUIRE(w.eventually([&] { return w.b_in_sync(); }));
        w.kill_b();
        w.loop.clock.advance(30s);
        w.put("/a/00001", "nobody leads");
        frozen ? w.freeze(false) : w.slave_server.refuse("http://slave:1", false);
        CHECK(w.time_until([&] { return w.in_sync() && w.exact(); }) <= 25s);
        CHECK(w.told().find("held") == std::string::npos);
        check_history(w);
    }
}

TEST_CASE("a standby with the same new master is in no conflict after the master was replaced and that was approved") {
    two_daemons w;
    w.begin();
    w.master_server.cut();
    test::model_etcd::settings other;
    other.cluster_id = 4711;
    w.master = test::model_etcd(other);
    w.many(20, "second");
    REQUIRE(w.eventually([&] { return w.link().state == link_state::held; }));
    CHECK(w.running().approve("default", false));
    CHECK(w.settles());
    CHECK(w.time_until([&] { return w.b_stands_by(); }) <= 1min);
    w.loop.clock.advance(5min);
    CHECK(w.b_stands_by());
}

TEST_CASE("a leader that is held keeps the slave for itself, even without its master") {
    two_daemons w;
    w.begin();
    w.master_server.cut();
    w.master = test::model_etcd();
    w.put("/a/00001", "of a wiped master");
    REQUIRE(w.eventually([&] { return w.link().state == link_state::held; }));
    const std::string leader = w.leader_value();
    w.master_server.refuse("http://master:1", true);
    w.master_server.cut("http://master:1");
    w.loop.clock.advance(10min);
    CHECK(w.leader_value() == leader);
    CHECK(w.b_stands_by());
}

TEST_CASE("a daemon with another configuration does not take the slave while the leader restarts") {
    two_daemons w;
    w.b_differs = [](config::config& of_b) { of_b.rules[0].select.begin = "/b/"; };
    w.many(20, "v");
    w.put("/b/1", "v");
    w.start();
    REQUIRE(w.settles());
    w.start_b();
    REQUIRE(w.eventually([&] { return w.b().state == link_state::held; }));
    w.stop();
    w.loop.clock.advance(15s);
    CHECK(w.b().state != link_state::in_sync);
    w.start();
    CHECK(w.time_until([&] { return w.in_sync() && w.exact(); }) <= 1s);
    w.loop.clock.advance(5min);
    CHECK(w.in_sync());
    CHECK(w.slave.keys().count("/b/1") == 0);
    w.stop();
    CHECK(w.time_until([&] { return w.b().state == link_state::in_sync; }) <= 30s);  // it is gone for good
}

TEST_CASE("where leases are not renewed a daemon works without a leader key, and says so once") {
    for (const int code : {12, 14}) {
        CAPTURE(code);
        two_daemons w;
        w.slave_server.fails_renewals = code;
        w.many(20, "v");
        w.start();
        REQUIRE(w.settles());
        w.loop.clock.advance(30s);
        const auto before = w.slave.revision();
        w.loop.clock.advance(5min);
        CHECK(w.slave.revision() <= before + 3);
        w.put("/a/00001", "x");
        CHECK(w.settles(5s));
        const std::string told = w.told();
        const std::size_t first = told.find("no leader key on this slave");
        REQUIRE(first != std::string::npos);
        CHECK(told.find("no leader key on this slave", first + 1) == std::string::npos);
    }
}

TEST_CASE("a leader that is paused keeps the slave for itself, even without its master") {
    two_daemons w;
    w.begin();
    REQUIRE(w.running().pause("default"));
    w.loop.settle();
    w.master_server.refuse("http://master:1", true);
    w.master_server.cut("http://master:1");
    w.put("/a/00001", "while paused");
    w.loop.clock.advance(10min);
    CHECK(w.b_stands_by());
    CHECK_FALSE(w.exact());
    w.master_server.refuse("http://master:1", false);
    REQUIRE(w.running().resume("default"));
    CHECK(w.settles());
    check_history(w);
}

TEST_CASE("a daemon that starts paused leaves the slave to the other one") {
    two_daemons w;
    w.settings.slaves[0].paused = true;
    w.b_differs = [](config::config& of_b) { of_b.slaves[0].paused = false; };
    w.many(20, "v");
    w.start();
    w.start_b();
    CHECK(w.eventually([&] { return w.b_in_sync(); }, 15s));
    REQUIRE(w.running().resume("default"));
    CHECK(w.eventually([&] { return w.link().state == link_state::standby; }, 15s));
    check_history(w);
}

TEST_CASE("a leader whose lease ends while it writes puts its key again, and the standby waits") {
    two_daemons w;
    w.begin();
    const std::string first = w.writer(w.slave);
    for (int i = 0; i < 120; ++i) {
        w.put("/a/00001", std::to_string(i));
        w.loop.clock.advance(500ms);
        if (i % 20 != 10) continue;
        if (i > 60) w.slave_server.cut();  // as when the slave restarts
        w.slave_server.expire_leases();
    }
    REQUIRE(w.settles());
    CHECK(w.writer(w.slave) == first);
    CHECK(w.b_stands_by());
    CHECK_FALSE(w.leader_value().empty());
    check_history(w);
}

TEST_CASE("if the lease of an idle leader ends, one of the two leads afterwards, and the other stands by") {
    two_daemons w;
    w.begin();
    for (int i = 0; i < 10; ++i) {
        w.slave_server.cut();
        w.slave_server.expire_leases();
        w.loop.clock.advance(15s);
        w.put("/a/00001", std::to_string(i));
        CHECK(w.eventually([&] {
            const bool a_leads = w.in_sync() && w.b_stands_by();
            const bool b_leads = w.b_in_sync() && w.link().state == link_state::standby;
            return w.exact() && (a_leads || b_leads);
        }));
    }
    check_history(w);
}

TEST_CASE("a leader whose key another client deleted puts it again at once") {
    two_daemons w;
    w.begin();
    w.slave.del(two_daemons::leader_key);
    w.slave_server.changed();
    CHECK(w.time_until([&] { return !w.leader_value().empty(); }) <= 1s);
    w.loop.clock.advance(1min);
    CHECK(w.in_sync());
    CHECK(w.b_stands_by());
    check_history(w);
}

TEST_CASE("two daemons share slaves: each leads those that only it reaches") {
    two_daemons w;
    config::slave other = w.settings.slaves[0];
    other.name = "other";
    other.endpoints[0].host = "other";
    other.endpoints[0].url = "http://other:1";
    w.settings.slaves.push_back(other);
    test::model_etcd other_slave;
    test::model_server other_server(w.loop, w.dialer, "http://other:1", other_slave);
    other_server.serve_also("http://other-b:1");
    const auto other_is_exact = [&] { return world::mirrored(other_slave.keys()) == world::mirrored(w.master.keys()); };
    w.many(20, "v");
    w.start();
    w.start_b();
    REQUIRE(w.eventually([&] { return w.exact() && other_is_exact(); }));

    // Now a does not reach "other", and b does not reach "default".
    other_server.refuse("http://other:1", true);
    other_server.cut("http://other:1");
    w.slave_server.refuse("http://slave-b:1", true);
    w.slave_server.cut("http://slave-b:1");
    w.loop.clock.advance(30s);
    w.put("/a/00001", "shared");
    REQUIRE(w.eventually([&] { return w.exact() && other_is_exact(); }, 30s));
    CHECK(w.link("default").state == link_state::in_sync);
    CHECK(w.link("other").state == link_state::disconnected);
    CHECK(w.b(0).state == link_state::disconnected);
    CHECK(w.b(1).state == link_state::in_sync);
    check_history(w);
    w.stop_both();
}

TEST_CASE("without permission for the leader key a daemon replicates, and says that no other can stand by") {
    two_daemons w;
    w.slave_server.denies = [](std::string_view key, std::string_view) { return key == two_daemons::leader_key; };
    w.many(20, "v");
    w.start();
    CHECK(w.time_until([&] { return w.in_sync() && w.exact(); }) <= 1s);
    CHECK(w.told().find("no leader key on this slave: another etcd-sync cannot stand by") != std::string::npos);
    w.loop.clock.advance(10min);
    CHECK(w.in_sync());
    const auto lines = w.lines.lines.size();
    w.loop.clock.advance(10min);
    CHECK(w.lines.lines.size() == lines);  // once
    // Two such daemons are told from each other by the checkpoint, as before.
    w.start_b();
    CHECK(w.eventually([&] { return w.link().state == link_state::held || w.b().state == link_state::held; }));
    // As soon as they may use the key, one of them stands by.
    w.slave_server.denies = nullptr;
    CHECK(w.eventually(
        [&] { return (w.in_sync() && w.b_stands_by()) || (w.b_in_sync() && w.link().state == link_state::standby); }));
    check_history(w);
}

TEST_CASE("on a full slave a daemon works without a leader key, and puts it when there is room again") {
    two_daemons w;
    w.many(20, "v");
    w.slave.full = true;
    w.start();
    CHECK(w.eventually([&] { return w.told().find("no leader key on this slave") != std::string::npos; }));
    CHECK(w.eventually([&] { return w.link().state == link_state::disconnected; }));
    w.slave.full = false;
    REQUIRE(w.settles());
    CHECK(w.eventually([&] { return !w.leader_value().empty(); }, 15s));
    check_history(w);
}

TEST_CASE("an instance name in use by another configuration is reported, and not taken") {
    two_daemons w;
    w.b_differs = [](config::config& of_b) { of_b.rules[0].select.begin = "/b/"; };
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    const auto revision = w.slave.revision();
    w.start_b();
    REQUIRE(w.eventually([&] { return w.b().state == link_state::held; }));
    CHECK(w.b().cause.find("another configuration uses this instance name on this slave") == 0);
    CHECK_FALSE(w.b_running().approve("default", false));
    w.loop.clock.advance(1min);
    CHECK(w.slave.revision() == revision);
    CHECK(w.in_sync());
}

TEST_CASE("a one-shot sync beside a daemon has no leader key, and the daemon continues") {
    two_daemons w;
    w.begin();
    w.kill_b();
    w.stop();
    w.start_b();
    REQUIRE(w.eventually([&] { return w.b_in_sync(); }));
    const std::string leader = w.leader_value();
    w.put("/a/00001", "new");
    REQUIRE(w.eventually([&] { return w.b_in_sync(); }));
    w.start({.once = true});
    REQUIRE(w.eventually([&] { return w.running().finished(); }));
    CHECK(w.link().state == link_state::in_sync);
    CHECK(w.leader_value() == leader);
    w.put("/a/00002", "newer");
    CHECK(w.time_until([&] { return w.b_in_sync(); }) <= 11s);
    check_history(w);
}

TEST_CASE("with a checkpoint per rule one leader key covers all rules of a slave") {
    two_daemons w;
    w.settings.replicate.consistency = config::consistency_mode::rule;
    w.settings.rules[0].name = "a";
    config::rule second = w.settings.rules[0];
    second.name = "b";
    second.select.begin = "/b/";
    w.settings.rules.push_back(second);
    w.settings.slaves[0].rules = {0, 1};
    w.many(20, "v");
    w.put("/b/1", "v");
    w.start();
    const auto all_in_sync = [](const status& of) {
        return std::ranges::all_of(of.links, [](const link_status& one) { return one.state == link_state::in_sync; });
    };
    REQUIRE(w.eventually([&] { return all_in_sync(w.current()) && w.exact(); }));
    w.start_b();
    REQUIRE(w.eventually([&] { return w.b(0).state == link_state::standby && w.b(1).state == link_state::standby; }));
    SUBCASE("a clean stop") {
        w.stop();
        CHECK(w.time_until([&] { return all_in_sync(w.b_running().current()); }) <= 1s);
    }
    SUBCASE("kill -9") {
        w.put("/b/1", "last");
        w.loop.settle();
        w.kill();
        CHECK(w.time_until([&] { return all_in_sync(w.b_running().current()); }) <= 12s);
    }
    w.put("/a/00001", "after");
    w.put("/b/1", "after");
    CHECK(w.eventually([&] { return w.exact() && w.slave.keys().at("/b/1") == "after"; }, 5s));
}

TEST_CASE("with the leader and the standby on one host the standby leads at once when the leader is killed") {
    two_daemons w;
    w.b_host.boot_id = "boot-1";
    w.b_host.last_pid = 500;
    w.b_host.running.insert(101);  // the hosts are one, so b sees a
    w.begin();
    CHECK(w.b().cause.find("on this host") != std::string::npos);
    w.loop.clock.advance(5s);
    CHECK(w.b_stands_by());
    w.kill();
    w.b_host.running.erase(101);
    CHECK(w.time_until([&] { return w.b_in_sync(); }) <= 2s);
    check_history(w);
}
