// SPDX-License-Identifier: Apache-2.0
// Changes of a slave that the daemon did not make.
#include "stage.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

const std::string short_intervals = "[replication]\nprobe_interval = \"1s\"\n";
constexpr std::string_view checkpoint_key = "/.etcd-sync/etcd-sync";

load::options some_load() {
    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.per_second = 300;
    return how;
}

/// Changes keys that the slave has, and adds one.
void change_something(stage& on, std::string_view mark) {
    on.at_master.put("/a/000001", mark);
    on.at_master.put(fmt::format("/b/{}", mark), "new");
    etcdserverpb::TxnRequest both;
    add_put(both, "/a/000002", mark);
    add_put(both, "/b/000002", mark);
    on.at_master.txn(both);
}

void delete_something(stage& on) {
    on.at_master.del("/a/000003");
    on.at_master.del("/a/00001", "/a/00002");
    on.at_master.del("/b/000002");
}

}  // namespace

TEST_CASE("a slave wiped under load is filled again, and the other one continues") {
    stage on({.slaves = {"", ""}, .tables = short_intervals});
    fill(on.at_master, "/a/kept/", 2'000);
    on.start_and_sync();
    load writer(on.master.port(), some_load());
    for (int i = 0; i < (long_run() ? 5 : 2); ++i) {
        on.wipe_slave();
        const std::int64_t other = checkpoint_revision(on.at_slave(1));
        CHECK(eventually([&] { return checkpoint_revision(on.at_slave(1)) > other + 50; }, patience(10s)));
        CHECK(eventually([&] { return follows_at(on.at_slave(), other); }, patience(20s)));
    }
    writer.stop();
    on.finish();
}

TEST_CASE("a slave restored from a backup continues from there") {
    stage on({.slaves = {"", ""}, .tables = short_intervals});
    fill(on.at_master, "/a/", 500);
    fill(on.at_master, "/b/", 50);
    on.start_and_sync();
    change_something(on, "before the copy");
    REQUIRE(on.settle());
    on.slave().terminate();
    on.slave().keep_copy();
    on.slave().start();
    change_something(on, "after the copy");
    delete_something(on);
    REQUIRE(on.settle());
    SUBCASE("while the daemon runs") { on.put_slave_back(); }
    SUBCASE("while the daemon runs and the master is written to") {
        load writer(on.master.port(), some_load());
        on.put_slave_back();
        std::this_thread::sleep_for(2s);
        writer.stop();
    }
    SUBCASE("while the daemon is stopped") {
        CHECK(on.sync.terminate() == 0);
        on.put_slave_back();
        change_something(on, "while away");
        on.start_and_sync();
    }
    SUBCASE("and the master has compacted the missed revisions") {
        CHECK(on.sync.terminate() == 0);
        on.put_slave_back();
        on.compact_master(on.at_master.put("/elsewhere", "1"));
        on.start_and_sync();
    }
    on.finish();
}

TEST_CASE("after the checkpoint on the slave was deleted or replaced the data is compared and ends exact") {
    std::string replacement;
    std::string expected_log;
    SUBCASE("deleted") { expected_log = "no checkpoint on the slave"; }
    SUBCASE("garbled") {
        replacement = "{\"format\":1,";
        expected_log = "is not readable";
    }
    SUBCASE("of another format") {
        replacement = R"({"format":2})";
        expected_log = "is not readable";
    }
    SUBCASE("of another manifest") {
        replacement = "other";
        expected_log = "is not the one in the position";
    }
    for (const bool running : {true, false}) {
        CAPTURE(expected_log);
        CAPTURE(running);
        stage on({.tables = short_intervals});
        fill(on.at_master, "/a/", 500);
        fill(on.at_master, "/b/", 50);
        on.start_and_sync();
        change_something(on, "before");
        REQUIRE(on.settle());
        if (!running) CHECK(on.sync.terminate() == 0);
        CHECK(on.check().fault == "");

        std::string text = replacement;
        if (replacement == "other") {
            text = checkpoint_of(on.at_slave());
            const std::string label = "\"manifest\":\"";
            const std::size_t at = text.find(label);
            REQUIRE(at != std::string::npos);
            text.insert(at + label.size(), "not-");
        }
        const std::size_t before = on.sync.logged(expected_log);
        const std::int64_t replaced_at =
            text.empty() ? on.at_slave().del(checkpoint_key) : on.at_slave().put(checkpoint_key, text);
        if (!running) on.sync.start();
        change_something(on, "after");
        CHECK(on.await_log(expected_log, before));
        CHECK(on.settle());
        delete_something(on);
        CHECK(on.settle());
        CHECK(on.sync.terminate() == 0);
        INFO(on.sync.output());
        CHECK(on.differs() == "");
        CHECK(on.check(0, replaced_at + 1).fault == "");
    }
}

TEST_CASE("if the checkpoint is replaced by an older one, the changes after it are applied again") {
    for (const bool running : {true, false}) {
        CAPTURE(running);
        stage on({.tables = short_intervals});
        fill(on.at_master, "/a/", 500);
        fill(on.at_master, "/b/", 50);
        on.start_and_sync();
        REQUIRE(on.settle());
        const std::string older = checkpoint_of(on.at_slave());
        change_something(on, "what it does not know");
        delete_something(on);
        REQUIRE(on.settle());
        if (!running) CHECK(on.sync.terminate() == 0);
        CHECK(on.check().fault == "");
        const std::int64_t replaced_at = on.at_slave().put(checkpoint_key, older);
        if (!running) on.sync.start();
        change_something(on, "after");
        CHECK(on.settle());
        CHECK(on.sync.terminate() == 0);
        INFO(on.sync.output());
        CHECK(on.differs() == "");
        // Until the first data after it, the slave had more changes than the checkpoint says.
        std::int64_t from = 0;
        for (const change& c : on.at_slave().history(replaced_at + 1)) {
            if (from == 0 && c.key != checkpoint_key) from = c.revision;
        }
        CHECK(on.check(0, from).fault == "");
    }
}

TEST_CASE("a checkpoint with a future revision is held, and nothing is written until it is removed") {
    for (const bool running : {true, false}) {
        CAPTURE(running);
        stage on({.tables = short_intervals});
        fill(on.at_master, "/a/", 500);
        on.start_and_sync();
        REQUIRE(on.settle());
        if (!running) CHECK(on.sync.terminate() == 0);
        std::string text = checkpoint_of(on.at_slave());
        const std::string revision = fmt::format("\"revision\":{}", checkpoint_revision(on.at_slave()));
        const std::size_t at = text.rfind(revision);
        REQUIRE(at != std::string::npos);
        text.insert(at + revision.size(), "0000000");
        const std::int64_t replaced_at = on.at_slave().put(checkpoint_key, text);
        if (!running) on.sync.start();
        change_something(on, "after");
        CHECK(on.await_log("held: needs approval"));
        // What was seen is stored. A daemon that starts also puts the leader key.
        CHECK(on.at_slave().revision() == replaced_at + (running ? 1 : 2));
        const std::int64_t removed = on.at_slave().del(checkpoint_key);
        CHECK(on.settle());
        CHECK(on.sync.terminate() == 0);
        INFO(on.sync.output());
        CHECK(on.differs() == "");
        CHECK(on.check(0, removed + 1).fault == "");
    }
}
