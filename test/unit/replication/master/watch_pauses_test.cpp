// SPDX-License-Identifier: Apache-2.0
#include "replication/master/watch_pauses.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace std::chrono_literals;
using etcd::error_class;
using replication::watch_pauses;

namespace {

struct rig {
    /// The pause after `times` failures in a row.
    std::chrono::milliseconds fail(int times, error_class why = error_class::retry) {
        std::chrono::milliseconds pause{};
        for (int i = 0; i < times; ++i) pause = pauses.next(why, random);
        return pause;
    }

    base::random_source random{1};
    watch_pauses pauses{10s};
};

}  // namespace

TEST_CASE("pauses grow with each failure up to the maximum") {
    rig r;
    CHECK(r.fail(1) <= 250ms);
    CHECK(r.fail(1) > 250ms);
    CHECK(r.fail(20) > 7s);
    CHECK(r.fail(1) <= 10s);
}

TEST_CASE("after a watch that received new revisions, or stayed open, the next pause is short again") {
    rig r;
    r.fail(20);
    CHECK_FALSE(r.pauses.received(false, 30s));
    CHECK(r.fail(1) > 7s);
    SUBCASE("new revisions at once") { CHECK(r.pauses.received(true, 0s)); }
    SUBCASE("nothing new, but it stayed open") { CHECK(r.pauses.received(false, 31s)); }
    CHECK(r.fail(1) <= 250ms);
}

TEST_CASE("after watch violations the next pause is short again only if a watch stays open") {
    rig r;
    r.fail(20, error_class::watch_violation);
    CHECK(r.pauses.received(true, 5s));
    CHECK(r.fail(1, error_class::watch_violation) > 7s);
    CHECK(r.pauses.received(true, 5s));
    CHECK(r.fail(1) <= 250ms);  // this failure is not a violation
    CHECK(r.pauses.received(true, 31s));
    CHECK(r.fail(1, error_class::watch_violation) <= 250ms);
}
