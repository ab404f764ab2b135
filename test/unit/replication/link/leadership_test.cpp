// SPDX-License-Identifier: Apache-2.0
#include "replication/link/leadership.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;
using step = leadership::step;
using writers = position_view::writers;

namespace {

constexpr std::uint64_t host_namespace = 4'026'531'836;
constexpr std::uint64_t own_cluster = 77;

/// The processes of one pid namespace; those in `gone` have ended.
struct processes final : base::process_table {
    base::process_identity own{"boot-1", host_namespace, 100, 5'000};
    std::set<std::int64_t> gone;
    std::set<std::int64_t> with_other_start_time;

    [[nodiscard]] base::process_identity self() const override { return own; }
    [[nodiscard]] bool is_gone(std::int64_t pid, std::uint64_t) const override {
        return gone.contains(pid) || with_other_start_time.contains(pid);
    }
};

leader_record record_of(std::string writer, base::process_identity process = {"boot-2", host_namespace, 7, 70}) {
    leader_record out;
    out.writer = std::move(writer);
    out.process = std::move(process);
    out.since = "2026-01-02T03:04:05Z";
    out.cluster_id = own_cluster;
    out.rules = "rules";
    return out;
}

/// One process and a slave, which it reads every second.
struct rig {
    explicit rig(processes table = {}) : around(std::move(table)) { sees_master(); }

    processes around;
    aio::clock::time_point now{1h};
    leadership me{self(), &around};
    revision store = 10;
    std::string value;  ///< of the leader key
    revision written = 0;
    position_view position;
    bool lease = false;

    static leader_record self() {
        leader_record out = record_of("me", {});
        out.cluster_id = 0;
        return out;
    }

    void sees_master() { me.note_master(true, own_cluster, now); }
    void loses_master() { me.note_master(false, 0, now); }

    void other_leads(leader_record who = record_of("other")) {
        value = encode(who);
        written = ++store;
    }
    void key_vanishes() {
        value.clear();
        written = 0;
        ++store;
        lease = false;
    }
    void position_is_written_by(writers by) {
        position.by = by;
        position.newest = ++store;
    }

    /// Reads the leader key, and the positions if they are asked for.
    step read() {
        leader_view seen;
        seen.asked = now;
        seen.answered = now;
        seen.store_revision = store;
        seen.exists = !value.empty();
        seen.value = value;
        seen.mod_revision = written;
        const step next = me.decide(seen, lease);
        if (next != step::read_positions) return next;
        position.asked = now;
        return me.decide(seen, lease, &position);
    }
    step read_after(std::chrono::milliseconds pause) {
        now += pause;
        return read();
    }
    /// Reads every second. Returns after how long a step other than stand_by came, or 0 s.
    std::chrono::seconds waits(std::chrono::seconds most = 60s) {
        for (auto waited = 1s; waited <= most; waited += 1s) {
            if (read_after(1s) != step::stand_by) return waited;
        }
        return 0s;
    }
    void put() {
        value = me.value("now");
        written = ++store;
        lease = true;
        me.note_put();
    }
    void lead() {
        position_is_written_by(writers::none);
        REQUIRE(read() == step::put);
        put();
        REQUIRE(read() == step::lead);
    }
};

}  // namespace

TEST_CASE("on a slave without positions and leader, a process leads at once") {
    rig r;
    CHECK_FALSE(r.me.now().leads);
    REQUIRE(r.read() == step::put);
    CHECK_FALSE(r.me.now().leads);
    r.put();
    CHECK(r.me.now().leads);
    CHECK(r.read() == step::lead);
    CHECK(r.me.terms() == 1);
}

TEST_CASE("nobody leads before it is connected to its master") {
    rig r;
    r.loses_master();
    CHECK(r.read() == step::stand_by);
    CHECK(r.me.now().reason == "waiting for the master");
    CHECK_FALSE(r.me.now().another_leads);
    r.sees_master();
    CHECK(r.read() == step::put);
}

TEST_CASE("a process stands by while another one leads, and says which one") {
    rig r;
    r.other_leads();
    CHECK(r.read() == step::stand_by);
    CHECK(r.me.now().another_leads);
    CHECK_FALSE(r.me.now().in_conflict);
    CHECK(r.me.now().reason == "process 7 on another host has replicated since 2026-01-02T03:04:05Z");
    CHECK(r.waits() == 0s);
}

TEST_CASE("after a clean stop of the leader a standby leads at once") {
    rig r;
    r.other_leads();
    r.position_is_written_by(writers::others);
    REQUIRE(r.read() == step::stand_by);
    r.position_is_written_by(writers::none);
    r.key_vanishes();
    CHECK(r.read_after(1ms) == step::put);
}

TEST_CASE("after the key of a leader vanished, a standby waits until the positions were unchanged for 500 ms") {
    rig r;
    r.other_leads();
    REQUIRE(r.read() == step::stand_by);
    SUBCASE("that were written just before") {
        r.position_is_written_by(writers::others);
        r.key_vanishes();
        CHECK(r.read_after(1ms) == step::stand_by);
        CHECK(r.me.now().quiet_left == 500ms);
        CHECK(r.read_after(499ms) == step::stand_by);
        CHECK(r.me.now().quiet_left == 1ms);
        CHECK(r.read_after(1ms) == step::put);
        CHECK_FALSE(r.me.now().quiet_left.has_value());
    }
    SUBCASE("that a read of the key had seen") {
        r.position_is_written_by(writers::others);
        REQUIRE(r.read_after(5s) == step::stand_by);
        r.key_vanishes();
        CHECK(r.read_after(500ms) == step::put);
    }
    SUBCASE("although other keys of the slave are written all the time") {
        r.position_is_written_by(writers::others);
        r.store += 100;
        REQUIRE(r.read_after(5s) == step::stand_by);
        r.key_vanishes();
        r.store += 100;
        CHECK(r.read_after(500ms) == step::put);
    }
}

TEST_CASE("a process whose leader key vanished but which still writes is not replaced") {
    rig r;
    r.other_leads();
    REQUIRE(r.read() == step::stand_by);
    r.key_vanishes();  // its renewals are too slow
    for (int i = 0; i < 60; ++i) {
        r.position_is_written_by(writers::others);
        REQUIRE(r.read_after(400ms) == step::stand_by);
    }
    CHECK_FALSE(r.me.now().another_leads);
    CHECK(r.waits() == 1s);
}

TEST_CASE("what was seen of a leader before the slave was wiped or restored does not shorten the wait") {
    rig r;
    r.other_leads();
    r.store = 100;
    REQUIRE(r.read() == step::stand_by);
    r.store = 50;
    r.key_vanishes();
    r.position_is_written_by(writers::others);
    CHECK(r.read_after(1s) == step::stand_by);
    CHECK(r.waits() == 10s);
}

TEST_CASE("a process that has led itself since it saw another leader waits 10 s for a writer without a key") {
    rig r;
    r.other_leads();
    REQUIRE(r.read() == step::stand_by);
    r.position_is_written_by(writers::none);
    r.key_vanishes();
    REQUIRE(r.read_after(1ms) == step::put);
    r.put();
    r.me.note_given_way();
    r.key_vanishes();
    r.position_is_written_by(writers::others);  // without a leader key
    CHECK(r.read_after(1s) == step::stand_by);
    CHECK(r.waits() == 10s);
}

TEST_CASE("a process that starts after a crash waits for 10 s, because it does not know when the last write was") {
    rig r;
    r.position_is_written_by(writers::others);
    REQUIRE(r.read() == step::stand_by);
    CHECK(r.me.now().reason == "the previous etcd-sync did not stop cleanly: waiting 10s for it to write again");
    CHECK(r.waits() == 10s);
}

TEST_CASE("the wait begins anew when the slave was wiped or restored, because its revisions repeat") {
    rig r;
    r.position_is_written_by(writers::others);
    REQUIRE(r.read() == step::stand_by);
    for (int i = 0; i < 9; ++i) REQUIRE(r.read_after(1s) == step::stand_by);
    r.store = r.position.newest - 1;
    r.position.newest = r.store;
    CHECK(r.waits() == 11s);
}

TEST_CASE("reads that failed meanwhile do not shorten or prolong the wait") {
    rig r;
    r.position_is_written_by(writers::others);
    REQUIRE(r.read() == step::stand_by);
    CHECK(r.read_after(9'900ms) == step::stand_by);
    CHECK(r.read_after(200ms) == step::put);
}

TEST_CASE("a position that is written between the read of the key and its own read is seen") {
    rig r;
    r.position_is_written_by(writers::others);
    REQUIRE(r.read() == step::stand_by);
    r.now += 11s;
    leader_view seen;
    seen.asked = seen.answered = r.now;
    seen.store_revision = r.store;
    REQUIRE(r.me.decide(seen, false) == step::read_positions);
    r.position_is_written_by(writers::others);
    r.position.asked = r.now;
    CHECK(r.me.decide(seen, false, &r.position) == step::stand_by);
}

TEST_CASE("a leader of this host that is gone is replaced at once") {
    rig r;
    base::process_identity other{"boot-1", host_namespace, 99, 4'000};
    r.position_is_written_by(writers::others);
    SUBCASE("no such process") { r.around.gone.insert(99); }
    SUBCASE("its pid has another process now") { r.around.with_other_start_time.insert(99); }
    SUBCASE("its pid is ours now") { other.pid = r.around.own.pid; }
    r.other_leads(record_of("other", other));
    CHECK(r.read() == step::replace);
    CHECK_FALSE(r.me.now().leads);
    r.put();
    CHECK(r.read() == step::lead);
}

TEST_CASE("a leader that is gone is replaced even if it had other rules: this process may be its restart") {
    rig r;
    r.around.gone.insert(99);
    leader_record before = record_of("other", {"boot-1", host_namespace, 99, 4'000});
    before.rules = "other rules";
    r.other_leads(before);
    CHECK(r.read() == step::replace);
}

TEST_CASE("a leader that is gone is not replaced before the master is connected") {
    rig r;
    r.around.gone.insert(99);
    r.other_leads(record_of("other", {"boot-1", host_namespace, 99, 4'000}));
    r.loses_master();
    CHECK(r.read() == step::stand_by);
    CHECK(r.me.now().reason == "waiting for the master");
}

TEST_CASE("a leader of this host that runs is not replaced, and its death is seen without another read") {
    rig r;
    r.other_leads(record_of("other", {"boot-1", host_namespace, 99, 4'000}));
    CHECK(r.read() == step::stand_by);
    CHECK(r.me.leader_is_near());
    CHECK_FALSE(r.me.leader_has_died());
    r.around.gone.insert(99);
    CHECK(r.me.leader_has_died());
    CHECK(r.me.now().reason == "process 99 on this host has replicated since 2026-01-02T03:04:05Z");
}

TEST_CASE("two containers of one host, both with pid 1, never replace each other") {
    processes table;
    table.own = {"boot-1", 4'026'532'001, 1, 900};
    rig r(table);
    r.other_leads(record_of("other", {"boot-1", 4'026'532'002, 1, 800}));
    r.around.gone.insert(1);
    CHECK(r.read() == step::stand_by);
    CHECK_FALSE(r.me.leader_is_near());
    CHECK_FALSE(r.me.leader_has_died());
    CHECK(r.waits() == 0s);
}

TEST_CASE("nothing is said about processes of another boot, or of an unknown one") {
    const base::process_identity known{"boot-1", host_namespace, 99, 4'000};
    for (const bool ours_is_unknown : {false, true}) {
        for (base::process_identity other : {known, known, known}) {
            processes table;
            table.gone.insert(99);
            if (ours_is_unknown) {
                table.own = {};
                other = {};
                other.pid = 99;
            } else {
                other.boot_id = "boot-2";
            }
            rig r(table);
            r.other_leads(record_of("other", other));
            CHECK(r.read() == step::stand_by);
        }
    }
    leadership without_table(rig::self(), nullptr);
    without_table.note_master(true, own_cluster, aio::clock::time_point(1h));
    leader_view seen;
    seen.exists = true;
    seen.value = encode(record_of("other", known));
    CHECK(without_table.decide(seen, false) == step::stand_by);
}

TEST_CASE("a leader key that is not readable is respected while it exists") {
    rig r;
    r.value = "{\"format\":9}";
    r.written = ++r.store;
    CHECK(r.read() == step::stand_by);
    CHECK(r.me.now().another_leads);
    r.key_vanishes();
    CHECK(r.read() == step::put);
}

TEST_CASE("an instance name that another configuration uses is a conflict") {
    rig r;
    leader_record other = record_of("other");
    SUBCASE("other rules") { other.rules = "other rules"; }
    SUBCASE("another master") { other.cluster_id = 78; }
    r.other_leads(other);
    CHECK(r.read() == step::stand_by);
    CHECK(r.me.now().in_conflict);
    CHECK(r.waits() == 0s);
    r.key_vanishes();
    CHECK(r.read() == step::stand_by);
    CHECK_FALSE(r.me.now().in_conflict);
    CHECK(r.me.now().reason ==
          "another configuration used this instance name on this slave: waiting 20s for it to start again");
    CHECK(r.waits() == 20s);  // a restart of the rightful one takes less
}

TEST_CASE("a leader whose key vanished while another process led, and ended, waits like any other") {
    rig r;
    r.lead();
    r.position_is_written_by(writers::others);
    r.key_vanishes();
    CHECK(r.read() == step::stand_by);
    CHECK_FALSE(r.me.now().leads);
    const auto terms = r.me.terms();
    CHECK(r.waits() == 10s);
    r.put();
    CHECK(r.me.terms() == terms + 1);
}

TEST_CASE("a leader whose master was replaced puts its key again with the new one, so that others may stand by") {
    rig r;
    r.lead();
    r.me.note_master(true, 99, r.now);
    CHECK(r.read() == step::replace);
    r.put();
    CHECK(r.read() == step::lead);
    CHECK(parse_leader_record(r.value)->cluster_id == 99);
}

TEST_CASE("a copy of this very process, as on a copied virtual machine, is not taken for gone") {
    rig r;
    leader_record twin = record_of("twin", r.around.own);
    r.other_leads(twin);
    CHECK(r.read() == step::stand_by);
    CHECK(r.me.now().another_leads);
}

TEST_CASE("a process that was taken for gone and puts its key again is alive: it runs on a copy of this host") {
    rig r;
    const leader_record other = record_of("other", {"boot-1", host_namespace, 300, 5});
    r.around.gone.insert(300);
    r.other_leads(other);
    REQUIRE(r.read() == step::replace);
    r.put();
    REQUIRE(r.read() == step::lead);
    r.other_leads(other);
    CHECK(r.read() == step::stand_by);
    CHECK(r.me.now().another_leads);
}

TEST_CASE("a process that does not know its master yet is no conflict") {
    rig r;
    leadership fresh(rig::self(), &r.around);
    leader_view seen;
    seen.exists = true;
    seen.value = encode(record_of("other"));
    CHECK(fresh.decide(seen, false) == step::stand_by);
    CHECK_FALSE(fresh.now().in_conflict);
}

TEST_CASE("a leader whose key vanished puts it again, and leads meanwhile") {
    rig r;
    r.lead();
    r.position_is_written_by(writers::this_process);
    r.key_vanishes();
    CHECK(r.read() == step::put);
    CHECK(r.me.now().leads);
    r.put();
    CHECK(r.read() == step::lead);
    CHECK(r.me.terms() == 1);
}

TEST_CASE("a leader whose key was taken by another process stops at once") {
    rig r;
    r.lead();
    r.other_leads();
    CHECK(r.read() == step::stand_by);
    CHECK_FALSE(r.me.now().leads);
    // The other one stops cleanly.
    r.key_vanishes();
    CHECK(r.read() == step::put);
    r.put();
    CHECK(r.me.terms() == 2);
}

TEST_CASE("a leader that lost its lease, but not its key, puts the key with another lease") {
    rig r;
    r.lead();
    r.lease = false;
    CHECK(r.read() == step::replace);
    CHECK(r.me.now().leads);
}

TEST_CASE("a leader without its master gives way after 30 s") {
    rig r;
    r.lead();
    CHECK_FALSE(r.me.gives_way_at().has_value());
    r.loses_master();
    CHECK(r.me.gives_way_at() == r.now + 30s);
    CHECK(r.read_after(29s) == step::lead);
    r.loses_master();  // still
    CHECK(r.read_after(1s) == step::give_way);
    r.me.note_given_way();
    CHECK_FALSE(r.me.now().leads);
    r.key_vanishes();
    CHECK(r.read_after(1s) == step::stand_by);
    // If it finds the master again before anyone else leads, it leads at once.
    r.position_is_written_by(writers::this_process);
    r.sees_master();
    CHECK(r.read_after(1s) == step::put);
}

TEST_CASE("a leader whose key vanished while it has no master gives way after 30 s as well") {
    rig r;
    r.lead();
    r.loses_master();
    r.key_vanishes();
    CHECK(r.read_after(29s) == step::put);
    CHECK(r.read_after(1s) == step::give_way);
}

TEST_CASE("a leader that finds its master within 30 s keeps the lease") {
    rig r;
    r.lead();
    r.loses_master();
    r.now += 29s;
    r.sees_master();
    CHECK_FALSE(r.me.gives_way_at().has_value());
    r.loses_master();
    CHECK(r.read_after(29s) == step::lead);
}

TEST_CASE("a leader that an operator paused, or that a guard holds, keeps the lease without a master") {
    rig r;
    r.lead();
    r.me.note_waits_for_operator(true, r.now);
    r.loses_master();
    CHECK(r.read_after(1h) == step::lead);
    r.me.note_waits_for_operator(false, r.now);
    CHECK(r.read_after(29s) == step::lead);
    CHECK(r.read_after(1s) == step::give_way);
}

TEST_CASE("a process that may not put the key works without it, and gives up only for another leader") {
    rig r;
    r.position_is_written_by(writers::none);
    REQUIRE(r.read() == step::put);
    r.me.note_refused();
    CHECK(r.me.now().leads);
    CHECK(r.me.now().without_key);
    r.loses_master();
    CHECK_FALSE(r.me.gives_way_at().has_value());
    CHECK(r.read_after(1h) == step::put);  // it tries again
    r.me.note_refused();
    CHECK(r.me.terms() == 1);
    r.other_leads();
    CHECK(r.read_after(1s) == step::stand_by);
    CHECK_FALSE(r.me.now().leads);
    CHECK_FALSE(r.me.now().without_key);
}

TEST_CASE("a process that may put the key after all leads with it") {
    rig r;
    REQUIRE(r.read() == step::put);
    r.me.note_refused();
    REQUIRE(r.read_after(10s) == step::put);
    r.put();
    CHECK_FALSE(r.me.now().without_key);
    CHECK(r.me.terms() == 1);
}

TEST_CASE("a key of ours whose put was not answered is recognized") {
    rig r;
    REQUIRE(r.read() == step::put);
    r.value = r.me.value("now");
    r.written = ++r.store;
    r.lease = true;
    CHECK(r.read() == step::lead);
    CHECK(r.me.now().leads);
}

TEST_CASE("a key of ours whose put was not answered does not keep others waiting while there is no master") {
    rig r;
    REQUIRE(r.read() == step::put);
    r.value = r.me.value("now");
    r.written = ++r.store;
    r.lease = true;
    r.loses_master();
    CHECK(r.read() == step::give_way);
    r.me.note_given_way();
    r.lease = false;
    CHECK(r.read() == step::stand_by);
    CHECK_FALSE(r.me.now().leads);
}

TEST_CASE("the value of the key describes this process") {
    rig r;
    const auto record = parse_leader_record(r.me.value("2026-05-05T05:05:05Z"));
    REQUIRE(record.has_value());
    CHECK(record->process == r.around.own);
    CHECK(record->writer == "me");
    CHECK(record->cluster_id == own_cluster);
    CHECK(record->since == "2026-05-05T05:05:05Z");
    CHECK(record->rules == "rules");
}
