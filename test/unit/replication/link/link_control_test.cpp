// SPDX-License-Identifier: Apache-2.0
#include "replication/link/link_control.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::replication;

TEST_CASE("every request interrupts what began before it, and nothing that begins later") {
    link_control c;
    CHECK_FALSE(c.has_request());
    SUBCASE("pause") { c.pause(); }
    SUBCASE("resume") { c.resume(); }
    SUBCASE("resync") { c.resync(); }
    SUBCASE("approve") { c.approve(); }
    SUBCASE("stop") { c.stop(); }
    CHECK(c.has_request());
    c.begin_round();
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

TEST_CASE("a resync stays wanted until it is recorded; one that is requested meanwhile is another") {
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

TEST_CASE("an approval lifts the guards until it has ended") {
    link_control c;
    guard_policy configured;
    configured.safety.max_delete.amount = 7;
    CHECK_FALSE(c.guards(configured).approved);
    CHECK_FALSE(c.guards(configured).for_one_sync);
    c.approve();
    const guard_policy approved = c.guards(configured);
    CHECK(approved.approved);
    CHECK(approved.adopts_foreign_keys);
    CHECK(approved.for_one_sync);
    CHECK(approved.safety.max_delete.amount == 7);
    c.end_approval();
    CHECK_FALSE(c.guards(configured).approved);
}
