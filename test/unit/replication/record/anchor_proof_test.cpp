// SPDX-License-Identifier: Apache-2.0
#include "replication/record/anchor_proof.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

etcd::key_value key(revision created, revision modified, std::int64_t version, std::string_view value = "v") {
    etcd::key_value out;
    out.key = "/a/1";
    out.value = value;
    out.create_revision = created;
    out.mod_revision = modified;
    out.version = version;
    return out;
}

/// Created at 10, changed once at 20, seen at 30.
anchor known() { return anchor_of(key(10, 20, 2), 30); }

}  // namespace

TEST_CASE("an unchanged anchor proves the history up to its revision") {
    const anchor_verdict says = judge(known(), key(10, 20, 2));
    CHECK(says.unchanged);
    CHECK(says.survives);
    CHECK_FALSE(says.contradicts);
}

TEST_CASE("an anchor that was overwritten or deleted after it was seen proves nothing and contradicts nothing") {
    const anchor_verdict overwritten = judge(known(), key(10, 31, 3));
    CHECK(overwritten.survives);
    CHECK_FALSE(overwritten.unchanged);
    CHECK_FALSE(overwritten.contradicts);
    const anchor_verdict deleted = judge(known(), std::nullopt);
    CHECK_FALSE(deleted.survives);
    CHECK_FALSE(deleted.contradicts);
    const anchor_verdict created_again = judge(known(), key(40, 41, 2));
    CHECK_FALSE(created_again.survives);
    CHECK_FALSE(created_again.contradicts);
}

TEST_CASE("an anchor that changed before it was seen, or whose counters went back, is of another history") {
    CHECK(judge(known(), key(10, 20, 2, "other value")).contradicts);
    CHECK(judge(known(), key(10, 20, 3)).contradicts);
    CHECK(judge(known(), key(10, 25, 3)).contradicts);  // changed, and we did not see it
    CHECK(judge(known(), key(10, 15, 1)).contradicts);  // rewound
    CHECK(judge(known(), key(11, 40, 9)).contradicts);  // created, and we did not see it
    CHECK(judge(known(), key(10, 40, 2)).contradicts);  // each put counts
    CHECK(judge(known(), key(10, 40, 1)).contradicts);
}

TEST_CASE("an anchor of version 0.1, without a digest, does not prove, but can contradict") {
    anchor old = known();
    old.digest.clear();
    CHECK_FALSE(judge(old, key(10, 20, 2)).unchanged);
    CHECK(judge(old, key(10, 20, 2)).survives);
    CHECK(judge(old, key(10, 20, 3)).contradicts);
}
