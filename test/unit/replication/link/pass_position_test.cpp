// SPDX-License-Identifier: Apache-2.0
#include "replication/link/pass_position.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::replication;

namespace {

checkpoint at(sync_pass pass, std::string frontier = {}) {
    checkpoint out;
    out.pass = pass;
    out.frontier = std::move(frontier);
    return out;
}

}  // namespace

TEST_CASE("R may be chosen until a full sync has copied something") {
    CHECK(nothing_below_frontier(at(sync_pass::count)));
    CHECK(nothing_below_frontier(at(sync_pass::count, "/m")));
    CHECK(nothing_below_frontier(at(sync_pass::repair)));
    CHECK_FALSE(nothing_below_frontier(at(sync_pass::repair, "/m")));
    CHECK_FALSE(nothing_below_frontier(at(sync_pass::prune)));
    CHECK_FALSE(nothing_below_frontier(at(sync_pass::none)));
}

TEST_CASE("changes apply below the frontier in a repair pass, nowhere in a count pass, and everywhere otherwise") {
    CHECK(advance_frontier(at(sync_pass::count, "/m")) == "");
    CHECK(advance_frontier(at(sync_pass::repair, "/m")) == "/m");
    CHECK(advance_frontier(at(sync_pass::prune, "/m")) == std::nullopt);
    CHECK(advance_frontier(at(sync_pass::none)) == std::nullopt);
}

TEST_CASE("the slave equals the master at R only while following or pruning") {
    CHECK(applied_revision_is_valid(at(sync_pass::none)));
    CHECK(applied_revision_is_valid(at(sync_pass::prune, "/m")));
    CHECK_FALSE(applied_revision_is_valid(at(sync_pass::count)));
    CHECK_FALSE(applied_revision_is_valid(at(sync_pass::repair, "/m")));
    CHECK_FALSE(in_full_sync(at(sync_pass::none)));
    CHECK(in_full_sync(at(sync_pass::prune)));
}
