// SPDX-License-Identifier: Apache-2.0
// The master forgets its history at the worst places.
#include "stage.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

/// Deletes five keys that the slave has, in one revision each.
void delete_five(etcd_client& at, std::string_view mark, int first, int last) {
    for (int i = first; i <= last; ++i) at.del(fmt::format("/a/{}/{}", mark, i));
}

}  // namespace

TEST_CASE("the master compacted around R while the daemon was away, with a delete in each revision there") {
    stage on;
    fill(on.at_master, "/b/", 300);
    for (int offset = -2; offset <= 2; ++offset)
        for (int i = -2; i <= 3; ++i) on.at_master.put(fmt::format("/a/{}/{}", offset, i), "to be deleted");
    for (int offset = -2; offset <= 2; ++offset) {
        CAPTURE(offset);
        const std::string mark = fmt::format("{}", offset);
        on.start_and_sync();
        // One revision each of the slave: the last one is E, and R.
        delete_five(on.at_master, mark, -2, 0);
        const std::int64_t last = on.at_master.revision();
        REQUIRE(eventually([&] { return follows_at(on.at_slave(), last); }, patience(20s)));
        CHECK(on.sync.terminate() == 0);
        const std::int64_t r = checkpoint_revision(on.at_slave());
        REQUIRE(r == last);
        delete_five(on.at_master, mark, 1, 3);
        on.at_master.put("/b/new", mark);
        on.compact_master(r + offset);
        on.start_and_sync();
        CHECK(on.settle());
        CHECK(on.differs() == "");
        CHECK(on.sync.terminate() == 0);
    }
    INFO(on.sync.output());
    const exactness_report report = on.check();
    CHECK(report.fault == "");
    CHECK(report.state == "follow");
}

TEST_CASE("compacted at the very next revision of a watch that lags: the delete in it is not lost") {
    // A log this small leaves the slave behind to a watch of its own, whose answers are cut after 1,000 revisions.
    constexpr unsigned one_answer = 1'000;
    stage on({.prefixes = {"/a/"}, .tables = "[replication]\nlog_limit = \"64KiB\"\nprobe_interval = \"1s\"\n"});
    fill(on.at_master, "/a/", 300);
    on.start_and_sync();
    const int rounds = long_run() ? 12 : 3;
    // Where the watch is faster than the compaction nothing was tried: then once more.
    const auto not_met = [&] { return on.sync.said("compacted") == 0; };
    for (int round = 0; round < rounds || (round < 20 && not_met()); ++round) {
        CAPTURE(round);
        const std::string doomed = fmt::format("/a/doomed {}", round);
        on.at_master.put(doomed, "to be deleted");
        REQUIRE(on.settle());
        const std::int64_t e = checkpoint_revision(on.at_slave());
        on.slave().kill();
        // Most keys: the history was proved when the watch began, so the full sync that follows is not held.
        const auto key_of = [&](unsigned i) { return fmt::format("/a/{:06}", i % 200); };
        // The answer holds E to E + 999.
        REQUIRE(on.at_master.put_many(one_answer - 1, key_of, std::string(100, 'x')) == e + one_answer - 1);
        const std::int64_t next = on.at_master.del(doomed);
        on.at_master.put_many(2 * one_answer, key_of, std::string(100, 'y'));
        on.keep_master();
        on.slave().start();
        // The first answer is applied: the server looks for more every 100 ms.
        const auto limit = std::chrono::steady_clock::now() + patience(20s);
        while (checkpoint_revision(on.at_slave()) <= e) REQUIRE(std::chrono::steady_clock::now() < limit);
        on.compact_master(next);
        CHECK(on.settle());
        INFO(on.sync.output());
        CHECK(on.at_slave().range(doomed, {}).empty());
        CHECK(on.differs() == "");
    }
    INFO(on.sync.output());
    CHECK_FALSE(not_met());
    on.finish();
}

TEST_CASE("the master compacted again and again in the middle of a full sync, and busy") {
    // Small Txns, so that it takes a while.
    stage on({.tables = "[replication]\ntxn_max_bytes = \"4KiB\"\n"});
    const unsigned keys = long_run() ? 100'000 : 30'000;
    fill(on.at_master, "/a/kept/", keys, 1'024);
    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.per_second = 200;
    load inside(on.master.port(), how);
    how.prefixes = {"/elsewhere/"};
    how.seed = 2;
    load outside(on.master.port(), how);
    on.keep_master();  // what there is to keep is much
    on.sync.start();
    const auto in_sync = [&] { return on.sync.said("in sync") > 0; };
    int hits = 0;
    for (const unsigned percent : {5U, 20U, 35U, 50U, 65U, 80U}) {
        // Copied in the order of the keys: however quick the machine is, this is in the middle.
        const std::string key = fmt::format("/a/kept/{:06}", keys / 100 * percent);
        const auto reached = [&] { return !on.at_slave().range(key, key + '\0').empty(); };
        REQUIRE(eventually(reached, patience(60s)));
        hits += in_sync() ? 0 : 1;
        on.compact_master(on.at_master.revision());
    }
    CHECK(eventually(in_sync, patience(60s)));
    inside.stop();
    outside.stop();
    CHECK(hits >= 2);
    on.finish();
}
