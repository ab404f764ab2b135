// SPDX-License-Identifier: Apache-2.0
#include "replication/record/mapped_revision.hpp"

#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::replication;
using test::del;
using test::put;

TEST_CASE("each selected event of a revision is mapped to its key on the slave and its rule") {
    const mapping keys = mapping_of({prefix_rule("/a/", "/a/", "/x/"), prefix_rule("/b/", "/b/", "/y/")});
    const log_entry all = entry(5, {put("/a/k", "1", 5), put("/c/k", "1", 5), del("/b/l", 5)});
    const mapped_revision mapped = map_revision(all, keys);
    CHECK(mapped.entry == &all);
    REQUIRE(mapped.changes.size() == 2);
    CHECK(mapped.changes[0].event == &all.changes[0]);
    CHECK(mapped.changes[0].rule == 0);
    CHECK(mapped.changes[0].target == "/x/k");
    CHECK(mapped.changes[1].event == &all.changes[2]);
    CHECK(mapped.changes[1].rule == 1);
    CHECK(mapped.changes[1].target == "/y/l");
}

TEST_CASE("an event without a target key is still an event of its rule") {
    const mapping keys = mapping_of({prefix_rule("/a/", "/a/", "")});
    const log_entry all =
        entry(5, {put("/a/", "1", 5), put("/a/.etcd-sync/x", "1", 5), put("/a//.etcd-sync/x", "1", 5)});
    const mapped_revision mapped = map_revision(all, keys);
    REQUIRE(mapped.changes.size() == 3);
    CHECK(mapped.changes[0].target.empty());  // the empty key
    CHECK(mapped.changes[1].target == ".etcd-sync/x");
    CHECK(mapped.changes[2].target.empty());  // inside the checkpoint prefix
}
