// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <random>
#include <thread>

using namespace etcdsync::test;

TEST_CASE(
    "the daemon killed at random times under load continues at its checkpoint: nothing is lost, repeated or "
    "reordered") {
    stage on;
    fill(on.at_master, "/a/before/", 3'000);

    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.per_second = 400;
    load writer(on.master.port(), how);
    std::mt19937 random(7);
    const int kills = long_run() ? 50 : 12;
    for (int i = 0; i < kills; ++i) {
        on.sync.start();
        // Every fourth kill is at any time after the start, maybe before the first write; the others are at any point of a Txn.
        const bool at_any_time = i % 4 == 0;
        const std::int64_t before = checkpoint_revision(on.at_slave());
        if (!at_any_time)
            REQUIRE(eventually([&] { return checkpoint_revision(on.at_slave()) > before; }, patience(30s)));
        std::this_thread::sleep_for(std::chrono::microseconds(random() % (at_any_time ? 1'500'000 : 400'000)));
        REQUIRE(on.sync.running());
        on.sync.kill();
    }
    on.sync.start();
    writer.stop();
    on.finish();

    const exactness_report report = on.check();
    CHECK(report.writers > static_cast<std::size_t>(kills) / 2);
    INFO("revisions of the slave: ", report.revisions, ", with data: ", report.data_revisions);
    CHECK(report.data_revisions > report.writers);
}

TEST_CASE("the daemon that is killed repeatedly during its first full sync completes it") {
    // Small Txns make the full sync long enough.
    stage on({.tables = "[replication]\ntxn_max_bytes = \"16KiB\"\n"});
    fill(on.at_master, "/a/", 20'000);
    load::options how;
    how.prefixes = {"/a/", "/b/"};
    how.per_second = 100;
    load writer(on.master.port(), how);

    std::mt19937 random(11);
    int in_the_middle = 0;
    for (int i = 0; i < 8; ++i) {
        on.sync.start();
        const std::int64_t before = on.at_slave().revision();
        REQUIRE(eventually([&] { return on.at_slave().revision() > before + 2; }, patience(30s)));
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 50'000));
        on.sync.kill();
        const key_map found = on.at_slave().range("/.etcd-sync/etcd-sync", {});
        if (!found.empty() && found.begin()->second.find("\"full_sync\"") != std::string::npos) ++in_the_middle;
    }
    CHECK(in_the_middle >= 1);
    on.sync.start();
    writer.stop();
    on.finish(60s);
}

namespace {

/// The number of kills in a test: 200 in all tests of the long form.
int kill_count(int in_the_long_form) { return long_run() ? in_the_long_form : 5; }

const std::string small_txns = "[replication]\ntxn_max_bytes = \"4KiB\"\n";

}  // namespace

TEST_CASE("killed repeatedly after any number of Txns of a full sync: the pass resumes where it was") {
    std::mt19937 random(21);
    for (int killed = 0; killed < kill_count(70);) {
        stage on({.tables = small_txns});
        fill(on.at_master, "/a/", 3'000);
        load::options how;
        how.prefixes = {"/a/", "/b/"};
        how.per_second = 50;
        how.seed = static_cast<unsigned>(random());
        load writer(on.master.port(), how);
        for (int i = 0; i < 10 && killed < kill_count(70); ++i, ++killed)
            on.start_and_kill_after(1 + random() % 12, random);
        writer.stop();
        on.sync.start();
        on.finish();
    }
}

TEST_CASE("killed after any number of Txns in state follow") {
    stage on;
    fill(on.at_master, "/a/", 300);
    on.start_and_sync();
    on.sync.kill();
    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.per_second = 300;
    load writer(on.master.port(), how);
    std::mt19937 random(22);
    for (int i = 0; i < kill_count(60); ++i) on.start_and_kill_after(1 + random() % 12, random);
    writer.stop();
    on.sync.start();
    on.finish();
    CHECK(later_full_syncs(on.sync) == 0);
}

TEST_CASE("killed after any number of Txns of a catch-up: no missed change is lost or written twice") {
    stage on({.tables = small_txns});
    fill(on.at_master, "/a/", 300);
    on.start_and_sync();
    on.sync.kill();
    std::mt19937 random(23);
    for (int killed = 0; killed < kill_count(70);) {
        on.at_master.put_many(
            6'000, [&](unsigned) { return fmt::format("/b/{:04}", random() % 1'000); }, "0123456789");
        on.at_master.del("/b/01", "/b/02");
        for (int i = 0; i < 6 && killed < kill_count(70); ++i, ++killed)
            on.start_and_kill_after(1 + random() % 12, random);
        on.start_and_sync();
        on.sync.kill();
    }
    on.sync.start();
    on.finish();
    CHECK(on.sync.logged("catching up") >= static_cast<std::size_t>(kill_count(70)) / 2);
}
