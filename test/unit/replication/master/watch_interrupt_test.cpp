// SPDX-License-Identifier: Apache-2.0
#include "replication/master/watch_interrupt.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using replication::watch_interrupt;

// The end of the open watch is tested with a feed (feed_driver_test.cpp).

TEST_CASE("without a request there is no reason to reopen the watch") {
    const watch_interrupt none;
    CHECK_FALSE(none.reason());
    CHECK_FALSE(none.keys_changed());
}

TEST_CASE("a request remains until the next connection, and its reason is a cancellation") {
    watch_interrupt r;
    SUBCASE("for other keys") {
        r.change_keys();
        CHECK(r.keys_changed());
        REQUIRE(r.reason());
        CHECK(r.reason()->text == "the rules changed");
    }
    SUBCASE("for a preferred endpoint") {
        r.prefer_endpoint();
        CHECK_FALSE(r.keys_changed());
        REQUIRE(r.reason());
        CHECK(r.reason()->text == "a preferred endpoint is available");
    }
    SUBCASE("for both: the keys take precedence") {
        r.prefer_endpoint();
        r.change_keys();
        REQUIRE(r.reason());
        CHECK(r.reason()->text == "the rules changed");
    }
    CHECK(r.reason()->cls == etcd::error_class::cancelled);
    r.reset();
    CHECK_FALSE(r.reason());
    CHECK_FALSE(r.keys_changed());
    CHECK_FALSE(r.take_better_endpoint());
}

TEST_CASE("a preferred endpoint is taken once") {
    watch_interrupt r;
    r.prefer_endpoint();
    CHECK(r.take_better_endpoint());
    CHECK_FALSE(r.take_better_endpoint());
    CHECK_FALSE(r.reason());
}
