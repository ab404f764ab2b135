// SPDX-License-Identifier: Apache-2.0
#include "replication/link/link_control.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::replication;

TEST_CASE("every request interrupts the work that began before it, and none that begins later") {
    link_control c;
    CHECK_FALSE(c.has_request());
    SUBCASE("pause") { c.pause(); }
    SUBCASE("resume") {
        c.pause();
        c.begin_round();
        c.resume();
    }
    SUBCASE("resync") { c.resync(); }
    SUBCASE("approve") {
        c.note_held(hold_kind::guard);
        CHECK(c.approve(false));
    }
    SUBCASE("stop") { c.stop(); }
    CHECK(c.has_request());
    c.begin_round();
    CHECK_FALSE(c.has_request());
}

TEST_CASE("a request that changes nothing interrupts nothing") {
    link_control c;
    c.resume();
    CHECK_FALSE(c.has_request());
    c.pause();
    c.begin_round();
    c.pause();
    CHECK_FALSE(c.has_request());
}

TEST_CASE("a link works unless it is paused or stopping") {
    link_control c;
    CHECK(c.may_work());
    c.pause();
    CHECK_FALSE(c.may_work());
    CHECK(c.paused());
    c.resume();
    CHECK(c.may_work());
    c.stop();
    c.resume();
    CHECK_FALSE(c.may_work());
    CHECK(c.stopping());
}

TEST_CASE("a resync remains requested until it is recorded; a request made meanwhile is a new one") {
    link_control c;
    CHECK(c.wanted_resync() == 0);
    c.resync();
    const unsigned first = c.wanted_resync();
    CHECK(first != 0);
    c.begin_round();
    CHECK(c.wanted_resync() == first);
    c.resync();
    c.note_recorded(first);
    CHECK(c.wanted_resync() != 0);
    CHECK(c.wanted_resync() != first);
    c.note_recorded(c.wanted_resync());
    CHECK(c.wanted_resync() == 0);
}

TEST_CASE("an approval lifts the guards until it ends") {
    link_control c;
    guard_policy configured;
    configured.safety.max_delete.amount = 7;
    CHECK_FALSE(c.guards(configured).approved);
    CHECK_FALSE(c.guards(configured).for_one_sync);
    c.note_held(hold_kind::guard);
    CHECK(c.approve(false));
    const guard_policy approved = c.guards(configured);
    CHECK(approved.approved);
    CHECK_FALSE(approved.adopts_foreign_keys);
    CHECK(approved.for_one_sync);
    CHECK(approved.safety.max_delete.amount == 7);
    c.end_approval();
    CHECK_FALSE(c.guards(configured).approved);
}

TEST_CASE("an approval that arrives while a held link checks again is not lost") {
    link_control c;
    c.note_held(hold_kind::other_master);
    CHECK_FALSE(c.guards({}).approved);  // it checks again
    CHECK(c.approve(false));
    c.note_held(hold_kind::other_master);  // the same as before
    CHECK(c.guards({}).accepts_other_master);
    c.note_held(hold_kind::other_master);  // now it has been used
    CHECK_FALSE(c.guards({}).approved);
}

TEST_CASE("an approval applies to the cause of the hold: that of a guard does not accept another master") {
    link_control c;
    c.note_held(hold_kind::guard);
    CHECK(c.approve(false));
    CHECK(c.guards({}).approved);
    CHECK_FALSE(c.guards({}).accepts_other_master);
    c.note_held(hold_kind::other_master);
    CHECK_FALSE(c.guards({}).approved);
    CHECK(c.approve(false));
    CHECK(c.guards({}).accepts_other_master);
}

TEST_CASE("nothing can be approved before a hold, or if another process holds the link") {
    link_control c;
    CHECK_FALSE(c.approve(false));
    c.note_held(hold_kind::conflict);
    CHECK_FALSE(c.approve(false));
    CHECK_FALSE(c.guards({}).approved);
}

TEST_CASE("a pause ends an approval") {
    link_control c;
    c.note_held(hold_kind::guard);
    CHECK(c.approve(false));
    c.pause();
    c.resume();
    CHECK_FALSE(c.guards({}).approved);
}

TEST_CASE("an approval claims foreign keys only if it says so") {
    link_control c;
    c.note_held(hold_kind::other_master);
    CHECK(c.approve(false));
    CHECK_FALSE(c.guards({}).adopts_foreign_keys);
    CHECK(c.approve(true));
    CHECK(c.guards({}).adopts_foreign_keys);
    c.end_approval();
    CHECK_FALSE(c.guards({}).adopts_foreign_keys);
}

TEST_CASE("without a hold foreign keys are claimed by a full sync with its guards") {
    link_control c;
    CHECK(c.adopt_foreign_keys());
    CHECK(c.has_request());
    CHECK(c.wanted_resync() != 0);
    const guard_policy guards = c.guards({});
    CHECK(guards.adopts_foreign_keys);
    CHECK(guards.for_one_sync);
    CHECK_FALSE(guards.approved);
    CHECK_FALSE(guards.accepts_other_master);
    c.note_held(hold_kind::guard);  // it was used: what holds it now takes an approval of its own
    CHECK_FALSE(c.guards({}).adopts_foreign_keys);
    c.pause();
    CHECK_FALSE(c.adopt_foreign_keys());
}

TEST_CASE("a link whose process no longer leads stops its work, and one that begins to lead is not interrupted") {
    link_control control;
    CHECK(control.may_write());
    CHECK_FALSE(control.has_leader_key());
    control.lead(false, false);
    CHECK(control.has_request());
    CHECK_FALSE(control.may_write());
    CHECK(control.may_work());  // it stays connected
    control.begin_round();
    control.lead(false, false);
    CHECK_FALSE(control.has_request());
    control.lead(true, true);
    CHECK_FALSE(control.has_request());
    CHECK(control.may_write());
    CHECK(control.has_leader_key());
    control.lead(true, false);
    CHECK_FALSE(control.has_request());
    CHECK_FALSE(control.has_leader_key());
    control.pause();
    CHECK_FALSE(control.may_write());
}
