// SPDX-License-Identifier: Apache-2.0
// Revisions of the master that exceed the limits of a slave with default settings, or are unusual.
#include "stage.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

const std::string short_intervals = "[replication]\nprobe_interval = \"1s\"\n";
const std::vector<std::string> high_limits{"--max-txn-ops=5000", "--max-request-bytes=10485760"};

/// False, with a message, if the master supports neither nested Txns nor more than 128 operations.
bool master_supports_large_txns() {
    const bool supported = etcd_program::of(role::master).takes_nested_txns();
    if (!supported) MESSAGE("this master does not support such a transaction");
    return supported;
}

/// The number of Txns that a slave needs for a revision with this many changes.
std::size_t txns_for(std::size_t changes) {
    constexpr std::size_t per_txn = 127;
    return etcd_program::of(role::slave).takes_nested_txns() ? 1 : (changes + per_txn - 1) / per_txn;
}

/// The number of revisions of the slave, starting at `from`, that contain data.
std::size_t data_revisions(etcd_client& slave, std::int64_t from) {
    std::size_t count = 0;
    std::int64_t last = 0;
    for (const change& c : slave.history(from)) {
        if (c.key.starts_with(checkpoint_prefix) || c.revision == last) continue;
        last = c.revision;
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("a transaction of 4,096 operations is one revision of a slave with default settings") {
    if (!master_supports_large_txns()) return;
    stage on({.master_flags = high_limits});
    fill(on.at_master, "/b/", 2'000);
    on.start_and_sync();
    const std::int64_t before = on.at_slave().revision();
    etcdserverpb::TxnRequest all;
    for (int i = 0; i < 2'048; ++i) add_put(all, fmt::format("/a/{:06}", i), "0123456789");
    for (int i = 0; i < 2'048; ++i) add_delete(all, fmt::format("/b/{:06}", i));
    const std::int64_t written = on.at_master.txn(all);
    CHECK(eventually([&] { return follows_at(on.at_slave(), written); }, patience(20s)));
    CHECK(data_revisions(on.at_slave(), before + 1) == txns_for(2'048 + 2'000));
    on.finish();
    CHECK(on.sync.logged("applying it in parts") == (txns_for(2'048) > 1 ? 1 : 0));
}

TEST_CASE("the delete of a prefix is replicated exactly: 300 keys in one revision, 100,000 in several") {
    stage on;
    const unsigned many = 100'000;
    fill(on.at_master, "/a/few/", 300);
    fill(on.at_master, "/a/many/", many, 16);
    fill(on.at_master, "/b/", 10);
    on.start_and_sync();
    const std::int64_t before = on.at_slave().revision();
    std::int64_t deleted = on.at_master.del("/a/few/", "/a/few0");
    CHECK(eventually([&] { return follows_at(on.at_slave(), deleted); }, patience(20s)));
    CHECK(data_revisions(on.at_slave(), before + 1) == txns_for(300));
    deleted = on.at_master.del("/a/many/", "/a/many0");
    CHECK(eventually([&] { return follows_at(on.at_slave(), deleted); }, patience(60s)));
    CHECK(later_full_syncs(on.sync) == 0);
    on.finish();
}

TEST_CASE("a delete of 100,000 keys while the daemon was stopped is replicated exactly, too") {
    stage on;
    fill(on.at_master, "/a/many/", 100'000, 16);
    on.start_and_sync();
    CHECK(on.sync.terminate() == 0);
    on.at_master.put("/a/before", "1");
    on.at_master.del("/a/many/", "/a/many0");
    on.at_master.put("/a/after", "1");
    on.sync.start();
    on.finish(60s);
    CHECK(later_full_syncs(on.sync) == 0);
}

TEST_CASE("a revision with nine values of 200 KB is applied in parts, is exact after the last one, and is logged") {
    stage on({.master_flags = high_limits});
    fill(on.at_master, "/b/", 300);
    on.start_and_sync();
    SUBCASE("live") {}
    SUBCASE("while the daemon was stopped") { CHECK(on.sync.terminate() == 0); }
    on.at_master.put("/b/000001", "before");
    etcdserverpb::TxnRequest all;
    for (char i = 'a'; i < 'j'; ++i) add_put(all, fmt::format("/a/{}", i), std::string(200'000, i));
    add_delete(all, "/b/000002");
    on.at_master.txn(all);
    on.at_master.put("/b/000001", "after");
    if (!on.sync.running()) on.sync.start();
    CHECK(on.settle());
    CHECK(on.sync.logged("applying it in parts") == 1);
    const exactness_report report = on.check();
    CHECK(report.split_revisions > 0);
    CHECK(report.split_revisions < 9);
    on.finish();
}

TEST_CASE("a daemon killed while it applies a revision in parts completes the revision after its restart") {
    stage on({.tables = "[replication]\ntxn_max_bytes = \"64KiB\"\n", .master_flags = high_limits});
    fill(on.at_master, "/b/", 300);
    std::mt19937 random(31);
    const int rounds = long_run() ? 20 : 4;
    for (int round = 0; round < rounds; ++round) {
        on.start_and_sync();
        on.sync.kill();
        etcdserverpb::TxnRequest all;
        for (int i = 0; i < 120; ++i)
            add_put(all, fmt::format("/a/{}", i), std::string(60'000, static_cast<char>('a' + round)));
        on.at_master.txn(all);
        on.at_master.put("/b/000001", fmt::format("{}", round));
        for (int i = 0; i < 3; ++i) on.start_and_kill_after(2 + static_cast<int>(random() % 20), random);
    }
    on.sync.start();
    on.finish();
    CHECK(on.check().split_revisions > 0);
}

TEST_CASE("a key that is changed several times in one revision ends as on the master") {
    if (!master_supports_large_txns()) return;
    stage on({.slaves = {"", "dest = \"/copy\""}});
    // The second slave only has another dest; the first one is checked in full.
    fill(on.at_master, "/a/", 10);
    on.start_and_sync();
    const auto nested = [&](const std::vector<std::pair<std::string, bool>>& steps) {
        etcdserverpb::TxnRequest request;
        for (const auto& [key, is_put] : steps) {
            etcdserverpb::TxnRequest& child = *request.add_success()->mutable_request_txn();
            if (is_put) {
                add_put(child, key, "of the nested");
            } else {
                add_delete(child, key);
            }
        }
        return on.at_master.txn(request);
    };
    nested({{"/a/000001", true}, {"/a/000001", false}});
    nested({{"/a/fresh", true}, {"/a/fresh", false}});
    const std::int64_t last = nested({{"/a/000002", true}, {"/b/x", true}, {"/a/000002", false}});
    for (std::size_t i = 0; i < on.slaves(); ++i)
        CHECK(eventually([&] { return follows_at(on.at_slave(i), last); }, patience(20s)));
    CHECK(on.at_slave().range("/a/000001", {}).empty());
    CHECK(on.at_slave(1).range("/copy/b/x", {}).size() == 1);
    CHECK(on.sync.terminate() == 0);
    CHECK(on.differs() == "");
    CHECK(on.check().fault == "");
}

namespace {

/// Puts a value of 3 MB, while the slave follows (`live`) or before its first full sync. Later `remove` removes it.
void block_and_unblock(bool live, const std::function<void(etcd_client&)>& remove) {
    stage on({.slaves = {"", "rules = [\"/b/\"]"}, .tables = short_intervals, .master_flags = high_limits});
    fill(on.at_master, "/a/", 300);
    fill(on.at_master, "/b/", 300);
    if (live) on.start_and_sync();
    on.at_master.put("/a/000001", "before");
    on.at_master.put("/a/big one", std::string(3'000'000, 'b'));
    if (!live) on.sync.start();
    CHECK(on.await_log("/a/big one"));
    CHECK(on.await_log("\"slave rejected the write; retrying\" slave=slave-1"));
    // The other slave continues.
    const std::int64_t last = on.at_master.put("/b/000001", "meanwhile");
    CHECK(eventually([&] { return follows_at(on.at_slave(1), last); }, patience(20s)));
    const std::int64_t blocked = on.at_slave().revision();
    std::this_thread::sleep_for(3s);
    CHECK(on.at_slave().revision() - blocked <= 12);  // it retries slowly
    CHECK_MESSAGE(on.sync.logged("\"slave rejected the write; retrying\" slave=slave-1") == 1, on.sync.output());
    CHECK(on.sync.logged("\"full sync\" slave=slave-1") <= 1);

    remove(on.at_master);
    const std::int64_t unblocked = on.at_master.put("/a/000002", "after");
    CHECK(eventually([&] { return follows_at(on.at_slave(), unblocked); }, patience(30s)));
    CHECK(on.sync.terminate() == 0);
    INFO(on.sync.output());
    CHECK(on.differs() == "");
    CHECK(on.check().fault == "");
    CHECK(difference(with_prefix(keys_of(on.at_master), {"/b/"}), keys_of(on.at_slave(1))) == "");
}

}  // namespace

TEST_CASE("a value above the slave's limit blocks only that slave until it is deleted, and its key is logged") {
    for (const bool live : {true, false}) {
        CAPTURE(live);
        block_and_unblock(live, [](etcd_client& at) { at.del("/a/big one"); });
    }
}

TEST_CASE("a value above the slave's limit blocks only that slave until it is replaced, and its key is logged") {
    for (const bool live : {true, false}) {
        CAPTURE(live);
        block_and_unblock(live, [](etcd_client& at) { at.put("/a/big one", "small"); });
    }
}
