// SPDX-License-Identifier: Apache-2.0
// The master is compacted at the most difficult revisions.
#include "stage.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

/// Deletes five keys that the slave has, in one revision each.
void delete_five(etcd_client& at, std::string_view mark, int first, int last) {
    for (int i = first; i <= last; ++i) at.del(fmt::format("/a/{}/{}", mark, i));
}

}  // namespace

TEST_CASE("the master compacted around R while the daemon was stopped, with a delete in each of these revisions") {
    stage on;
    fill(on.at_master, "/b/", 300);
    fill(on.at_master, "/a/", 20);  // so that deletes are never more than half of the keys: the guard would hold them
    for (int offset = -2; offset <= 2; ++offset)
        for (int i = -2; i <= 3; ++i) on.at_master.put(fmt::format("/a/{}/{}", offset, i), "to be deleted");
    for (int offset = -2; offset <= 2; ++offset) {
        CAPTURE(offset);
        const std::string mark = fmt::format("{}", offset);
        on.start_and_sync();
        // Each delete is one revision of the slave. The last one is both E and R.
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

TEST_CASE("a compaction at the next revision of a watch that is behind does not lose the delete in it") {
    // With such a small log the slave gets its own watch, whose responses are cut after 1,000 revisions.
    constexpr unsigned one_answer = 1'000;
    stage on({.prefixes = {"/a/"}, .tables = "[replication]\nlog_limit = \"64KiB\"\nprobe_interval = \"1s\"\n"});
    fill(on.at_master, "/a/", 300);
    on.start_and_sync();
    const int rounds = long_run() ? 12 : 3;
    // If the watch was faster than the compaction, nothing was tested: repeat.
    const auto not_hit = [&] { return on.sync.logged("compacted") == 0; };
    for (int round = 0; round < rounds || (round < 20 && not_hit()); ++round) {
        CAPTURE(round);
        const std::string deleted_key = fmt::format("/a/doomed {}", round);
        on.at_master.put(deleted_key, "to be deleted");
        REQUIRE(on.settle());
        const std::int64_t e = checkpoint_revision(on.at_slave());
        on.slave().kill();
        // This changes most keys. The history was verified when the watch started, so the full sync is not held.
        const auto key_of = [&](unsigned i) { return fmt::format("/a/{:06}", i % 200); };
        // The first response contains E to E + 999.
        REQUIRE(on.at_master.put_many(one_answer - 1, key_of, std::string(100, 'x')) == e + one_answer - 1);
        const std::int64_t next = on.at_master.del(deleted_key);
        on.at_master.put_many(2 * one_answer, key_of, std::string(100, 'y'));
        on.keep_master();
        on.slave().start();
        // Wait until the first response is applied: the server continues every 100 ms.
        const auto limit = std::chrono::steady_clock::now() + patience(20s);
        while (checkpoint_revision(on.at_slave()) <= e) REQUIRE(std::chrono::steady_clock::now() < limit);
        on.compact_master(next);
        CHECK(on.settle());
        INFO(on.sync.output());
        CHECK(on.at_slave().range(deleted_key, {}).empty());
        CHECK(on.differs() == "");
    }
    INFO(on.sync.output());
    CHECK_FALSE(not_hit());
    on.finish();
}

TEST_CASE("a master under load is compacted repeatedly during a full sync") {
    // Small Txns make the full sync long enough.
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
    on.keep_master();  // reading this much history takes a while
    on.sync.start();
    const auto in_sync = [&] { return on.sync.logged("in sync") > 0; };
    int hits = 0;
    for (const unsigned percent : {5U, 20U, 35U, 50U, 65U, 80U}) {
        // Keys are copied in order, so this is in the middle on any machine.
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
