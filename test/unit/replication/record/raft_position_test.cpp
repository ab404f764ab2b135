// SPDX-License-Identifier: Apache-2.0
#include "replication/record/raft_position.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync::replication;

namespace {

raft_sample sample(std::uint64_t index, etcdsync::etcd::revision of_status, etcdsync::etcd::revision after) {
    raft_sample out;
    out.status.raft_term = 3;
    out.status.raft_index = index;
    out.status.header.store_revision = of_status;
    out.after = after;
    return out;
}

}  // namespace

TEST_CASE(
    "under load the recorded slack is the least that is sure, and the compared one the greatest that is possible") {
    // Entries that are committed and not yet applied make the index run ahead of the revision, by as many as are under way.
    const std::vector<raft_sample> busy = {sample(150, 90, 110), sample(190, 160, 150), sample(240, 200, 230)};
    CHECK(lowest_position(busy) == raft_position{3, 150, 10});
    CHECK(highest_position(busy) == raft_position{3, 240, 60});
    CHECK_FALSE(lowest_position({}).known());
    CHECK_FALSE(highest_position({}).known());
}

TEST_CASE("a lower raft term, index or slack contradicts what was recorded; anything else does not") {
    const raft_position recorded{3, 500, 40};
    CHECK(raft_contradiction(recorded, recorded).empty());
    CHECK(raft_contradiction(recorded, {4, 900, 41}).empty());
    CHECK_FALSE(raft_contradiction(recorded, {2, 900, 41}).empty());
    CHECK_FALSE(raft_contradiction(recorded, {3, 499, 41}).empty());
    CHECK(raft_contradiction(recorded, {3, 900, 39}).find("39, and was 40") != std::string::npos);
    // A restored snapshot keeps the revision and begins a new raft log.
    CHECK_FALSE(raft_contradiction(recorded, {3, 900, -197}).empty());
}

TEST_CASE("what is not known contradicts nothing") {
    const raft_position recorded{3, 500, 40};
    CHECK(raft_contradiction({}, {1, 5, -100}).empty());
    CHECK(raft_contradiction(recorded, {}).empty());
}
