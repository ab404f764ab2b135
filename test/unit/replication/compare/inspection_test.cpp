// SPDX-License-Identifier: Apache-2.0
// The revision that an inspection compares with. The integration tests cover the comparison itself.
#include "replication/compare/inspection.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

checkpoint following() {
    checkpoint out;
    out.cluster_id = 77;
    out.rev = 900;
    return out;
}

std::string why_not(const checkpoint& record) {
    etcd::response_header master;
    master.cluster_id = 77;
    master.store_revision = 1000;
    return why_not_at_checkpoint(base::result<checkpoint>(record), master);
}

}  // namespace

TEST_CASE("a slave in state follow is compared at the revision of its checkpoint, even if the rules have changed") {
    checkpoint record = following();
    CHECK(why_not(record) == "");
    record.rules = "older";
    CHECK(why_not(record) == "");
    record.rev = 1000;
    CHECK(why_not(record) == "");
}

TEST_CASE("a checkpoint without a complete state of this master is not used, and the reason is returned") {
    etcd::response_header master;
    CHECK(why_not_at_checkpoint(std::nullopt, master) == "there is no checkpoint on the slave");
    CHECK(why_not_at_checkpoint(base::result<checkpoint>(base::error("it is not JSON")), master) ==
          "the checkpoint on the slave is not readable: it is not JSON");
    checkpoint record = following();
    record.cluster_id = 0xab;
    CHECK(why_not(record) == "the checkpoint belongs to another master, cluster ab");
    for (const sync_pass pass : {sync_pass::count, sync_pass::repair, sync_pass::prune}) {
        record = following();
        record.pass = pass;
        CHECK(why_not(record) == "a full sync of the slave is not complete");
    }
    record = following();
    record.other = true;
    CHECK(why_not(record) == "the master has had another history than the checkpoint");
    record = following();
    record.split = true;
    CHECK(why_not(record) == "the revision after 900 is being applied in parts");
    record = following();
    record.rev = 1001;
    CHECK(why_not(record) == "revision 1001 of the checkpoint does not exist on the master: it was wiped or restored");
}
