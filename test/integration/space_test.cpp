// SPDX-License-Identifier: Apache-2.0
// The space that a daemon without relevant changes takes on a slave.
#include "stage.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

/// The number of changes on a slave, starting at revision `from`, without checkpoints.
std::size_t data_events(etcd_client& slave, std::int64_t from) {
    std::size_t count = 0;
    for (const change& c : slave.history(from)) count += c.key.starts_with(checkpoint_prefix) ? 0 : 1;
    return count;
}

}  // namespace

TEST_CASE("changes outside the rules write nothing to the slave, and a compaction after them causes no full sync") {
    stage on;
    fill(on.at_master, "/a/", 2'000);
    on.start_and_sync();
    REQUIRE(on.settle());
    const std::int64_t before = on.at_slave().revision();
    load::options how;
    how.prefixes = {"/other/"};
    how.per_second = 500;
    load writer(on.master.port(), how);
    // The long form is longer than the interval at which the checkpoint of an idle slave is updated.
    std::this_thread::sleep_for(long_run() ? 330s : 5s);
    CHECK(on.at_slave().revision() - before <= (long_run() ? 2 : 0));
    CHECK(data_events(on.at_slave(), before + 1) == 0);
    SUBCASE("compacted while the daemon runs") {
        on.compact_master(on.at_master.revision());
        std::this_thread::sleep_for(1s);
        REQUIRE(on.settle());
        CHECK(on.sync.terminate() == 0);
    }
    SUBCASE("compacted while the daemon is stopped") {
        CHECK(on.sync.terminate() == 0);
        on.compact_master(on.at_master.revision());
    }
    writer.stop();
    on.compact_master(on.at_master.revision());
    const std::int64_t at_rest = on.at_slave().revision();
    on.start_and_sync();
    CHECK(on.at_slave().revision() - at_rest <= 2);
    CHECK(data_events(on.at_slave(), before + 1) <= 1);
    on.finish();
    CHECK(later_full_syncs(on.sync) == 0);
}
