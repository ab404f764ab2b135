// SPDX-License-Identifier: Apache-2.0
// The one-shot commands that use etcds: sync, sync -n, verify, verify --repair.
#include "command_result.hpp"
#include "load.hpp"
#include "support/exact.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <thread>

using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view rules = "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/b/\"\n";
constexpr std::string_view fast_probes = "[replication]\nprobe_interval = \"500ms\"\n";

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The value of the checkpoint of a slave.
std::string checkpoint_text(etcd_client& slave) {
    return slave.range("/.etcd-sync/etcd-sync", "/.etcd-sync/etcd-sync0").begin()->second;
}

/// A master and two slaves, with their clients.
struct three {
    three() {
        for (etcd_server* const server : {&master, &first, &second}) server->start();
    }
    [[nodiscard]] std::string config(std::string_view more = {}) const {
        return config_for(master, {first, second}, fmt::format("{}{}", rules, more));
    }
    etcd_server master{role::master};
    etcd_server first;
    etcd_server second;
    etcd_client at_master{master.port()};
    etcd_client at_first{first.port()};
    etcd_client at_second{second.port()};
};

}  // namespace

TEST_CASE("sync makes the slaves equal and exits; a later run continues without a full sync; the master is only read") {
    three all;
    fill(all.at_master, "/a/", 3'000);
    all.at_master.put("/other/1", "1");
    const std::int64_t master_revision = all.at_master.revision();
    sync_daemon sync(all.config());
    const command_result first = run(sync, {"sync"});
    CHECK(first.code == 0);
    CHECK(first.text == fmt::format("slave-1: in sync at revision {0}: 3000 puts, 0 deletes\n"
                                    "slave-2: in sync at revision {0}: 3000 puts, 0 deletes\n",
                                    master_revision));
    CHECK(difference(with_prefix(keys_of(all.at_master), {"/a/"}), keys_of(all.at_first)) == "");
    CHECK(difference(with_prefix(keys_of(all.at_master), {"/a/"}), keys_of(all.at_second)) == "");
    CHECK(holds(checkpoint_text(all.at_first), "\"writer\":\"\""));

    SUBCASE("a second sync writes no key, also according to its JSON") {
        all.at_first.put("/a/extra", "1");
        const command_result again = run(sync, {"sync", "--json", "--slave", "slave-1"});
        CHECK(again.code == 0);
        CHECK(again.text == fmt::format("{{\"schema\":1,\"exit_code\":0,\"master\":{{\"revision\":{0}}},\"slaves\":["
                                        "{{\"slave\":\"slave-1\",\"state\":\"in_sync\",\"revision\":{0},\"puts\":0,"
                                        "\"deletes\":1,\"foreign\":0,\"kept\":0}}]}}\n",
                                        master_revision));
        CHECK(run(sync, {"sync", "-q"}).text == "");
    }
    SUBCASE("a daemon continues where the sync ended") {
        const std::int64_t before = all.at_first.revision();
        sync_daemon daemon(all.config());
        daemon.start();
        CHECK(eventually([&] { return daemon.logged("in sync") == 2; }, patience(30s)));
        CHECK(daemon.logged("full sync") == 0);
        CHECK(all.at_first.revision() <= before + 2);  // the claim, and the leader key
        CHECK(daemon.terminate() == 0);
    }
    CHECK(all.at_master.revision() == master_revision);
}

TEST_CASE("the exit code of sync shows whether a slave, all slaves or the master could not be reached") {
    three all;
    fill(all.at_master, "/a/", 10);
    sync_daemon sync(all.config());
    CHECK(run(sync, {"sync", "--slave", "slave-3"}).code == 64);
    CHECK(holds(run(sync, {"verify", "--slave", "slaev-2"}).text, "did you mean \"slave-2\"?"));

    all.second.kill();
    const command_result partly = run(sync, {"sync"});
    CHECK(partly.code == 3);
    CHECK(holds(partly.text, "slave-1: in sync at revision"));
    CHECK(holds(partly.text, "slave-2: failed: connect 127.0.0.1:"));
    CHECK(run(sync, {"verify"}).code == 3);
    CHECK(run(sync, {"sync", "--slave", "slave-1"}).code == 0);

    all.first.kill();
    CHECK(run(sync, {"sync"}).code == 69);
    CHECK(run(sync, {"verify"}).code == 69);

    all.first.start();
    all.master.kill();
    const auto begin = std::chrono::steady_clock::now();
    const command_result nothing = run(sync, {"sync", "--slave", "slave-1"});
    CHECK(nothing.code == 69);
    CHECK(holds(nothing.text, "slave-1: failed: the master is not reachable: connect 127.0.0.1:"));
    CHECK(std::chrono::steady_clock::now() - begin < patience(10s));
    const command_result unread = run(sync, {"verify", "--slave", "slave-1"});
    CHECK(unread.code == 69);
    CHECK(holds(unread.text, "slave-1: failed: the master: connect 127.0.0.1:"));
}

TEST_CASE("a dry run prints what a sync would do and writes nothing; after the sync it prints no differences") {
    three all;
    fill(all.at_master, "/a/", 20, 12);
    fill(all.at_first, "/a/", 19, 12);
    all.at_first.put("/a/000003", "x");
    all.at_first.put("/a/stood-here", "before us");
    const std::int64_t before = all.at_first.revision();
    const std::int64_t master_revision = all.at_master.revision();
    sync_daemon sync(all.config());
    const command_result dry = run(sync, {"sync", "-n", "--slave", "slave-1"});
    CHECK(dry.code == 2);
    CHECK(dry.text ==
          fmt::format(
              "slave-1:\n  * /a/000003  differs (1B -> 12B)\n  + /a/000019  missing (12B)\n"
              "slave-1: 2 differences (the master has 20 matching keys) at revision {} of the master: 1 missing, 1 "
              "different; 1 key only on the slave kept\n"
              "1 of 1 slave compared, 2 differences, nothing written\n",
              master_revision));
    CHECK(holds(run(sync, {"sync", "-n", "-v", "--slave", "slave-1"}).text,
                "  ~ /a/stood-here  only on the slave since before the first sync, kept\n"));
    CHECK(holds(run(sync, {"sync", "-n", "-v", "--approve", "--slave", "slave-1"}).text,
                "  ~ /a/stood-here  only on the slave since before the first sync, kept\n"));
    CHECK(holds(run(sync, {"sync", "-n", "--approve", "--foreign", "--slave", "slave-1"}).text,
                "  - /a/stood-here  only on the slave since before the first sync\n"));
    // Nothing holds the slave, and it is not named: its foreign key stays.
    CHECK(holds(run(sync, {"sync", "-n", "-v", "--approve", "--foreign"}).text,
                "  ~ /a/stood-here  only on the slave since before the first sync, kept\n"));
    CHECK(all.at_first.revision() == before);

    CHECK(run(sync, {"sync"}).code == 0);
    const std::int64_t after = all.at_first.revision();
    CHECK(run(sync, {"sync", "--dry-run"}).code == 0);
    CHECK(run(sync, {"verify"}).code == 0);
    CHECK(all.at_first.revision() == after);
    CHECK(all.at_master.revision() == master_revision);
}

TEST_CASE("a sync that a guard holds exits with 4, a dry run predicts it, and --approve completes it") {
    three all;
    fill(all.at_master, "/a/", 200, 12);
    sync_daemon sync(all.config());
    REQUIRE(run(sync, {"sync"}).code == 0);
    fill(all.at_first, "/a/more-", 150);
    const std::int64_t before = all.at_first.revision();
    const std::string_view why = "would delete 150 of the 350 keys of rule \"/a/\", above max_delete = 10%";
    const command_result dry = run(sync, {"sync", "-n", "-q"});
    CHECK(dry.code == 4);
    CHECK(holds(dry.text, fmt::format("slave-1: a sync would be held: {}", why)));
    CHECK(all.at_first.revision() == before);
    CHECK(run(sync, {"sync", "-n", "--approve"}).code == 2);
    CHECK(run(sync, {"verify"}).code == 2);

    const command_result held = run(sync, {"sync"});
    CHECK(held.code == 4);
    CHECK(holds(held.text, fmt::format("slave-1: held: {}", why)));
    CHECK(holds(held.text, fmt::format("slave-1: preview: etcd-sync -c {0} sync -n --approve --slave slave-1\n"
                                       "slave-1: approve: etcd-sync -c {0} sync --approve --slave slave-1\n",
                                       sync.config_path())));
    CHECK(holds(held.text, "slave-2: in sync at revision"));
    CHECK(holds(run(sync, {"sync", "--json"}).text, "\"slave\":\"slave-1\",\"state\":\"held\",\"cause\":\"would "));
    CHECK(run(sync, {"verify", "--repair"}).code == 4);
    CHECK(holds(checkpoint_text(all.at_first), "\"writer\":\"\""));
    CHECK(with_prefix(keys_of(all.at_first), {"/a/more-"}).size() == 150);

    const command_result approved = run(sync, {"sync", "--approve"});
    CHECK(approved.code == 0);
    CHECK(holds(approved.text, fmt::format(": 0 puts, 150 deletes; approved: {}", why)));
    CHECK(holds(approved.text, ": nothing to write\n"));
    CHECK(run(sync, {"verify"}).code == 0);
}

TEST_CASE("a key that stays on a slave because of delete = false is not a difference") {
    three all;
    fill(all.at_master, "/a/", 20, 12);
    fill(all.at_master, "/b/", 20, 12);
    sync_daemon sync(config_for(all.master, {all.first},
                                "[[rule]]\nprefix = \"/a/\"\ndelete = false\n[[rule]]\nprefix = \"/b/\"\n"));
    REQUIRE(run(sync, {"sync"}).code == 0);
    all.at_master.del("/a/000001");
    all.at_master.del("/b/000001");
    const command_result dry = run(sync, {"sync", "-n", "-v"});
    CHECK(dry.code == 2);
    CHECK(holds(dry.text, "  ~ /a/000001  only on the slave, kept as configured\n"));
    CHECK(holds(dry.text, "  - /b/000001  only on the slave\n"));
    CHECK(run(sync, {"verify"}).code == 0);  // at the revision it was synced at
    const command_result done = run(sync, {"sync"});
    CHECK(done.code == 0);
    CHECK(holds(done.text, ": 0 puts, 1 delete; 1 key only on the slave kept\n"));
    CHECK(holds(run(sync, {"verify"}).text, ": 38 keys; 1 key only on the slave kept\n"));
}

TEST_CASE("if the master compacted the slave's revision, verify uses an equal revision, or prints which one it used") {
    three all;
    fill(all.at_master, "/a/", 20, 12);
    sync_daemon sync(all.config());
    REQUIRE(run(sync, {"sync", "--slave", "slave-1"}).code == 0);
    std::int64_t now = all.at_master.put("/other/1", "1");
    SUBCASE("no selected key changed") {
        all.at_master.compact(now);
        const command_result equal = run(sync, {"verify", "--slave", "slave-1", "--json"});
        CHECK(equal.code == 0);
        CHECK(holds(equal.text, "\"at_checkpoint\":true"));
    }
    SUBCASE("a selected key changed") {
        now = all.at_master.put("/a/new", "1");
        CHECK(run(sync, {"verify", "--slave", "slave-1"}).code == 0);
        all.at_master.compact(now);
        const command_result differs = run(sync, {"verify", "--slave", "slave-1"});
        CHECK(differs.code == 2);
        CHECK(holds(differs.text, "  + /a/new  missing (1B)\n"));
        CHECK(
            holds(differs.text,
                  fmt::format("at revision {} of the master (compared with the current revision: the master compacted "
                              "revision {} of the checkpoint): 1 missing",
                              now, now - 2)));
    }
    SUBCASE("the slave was never synced") {
        const command_result differs = run(sync, {"verify", "--slave", "slave-2"});
        CHECK(differs.code == 2);
        CHECK(holds(differs.text,
                    "(compared with the current revision: there is no checkpoint on the slave): 20 missing\n"));
    }
}

TEST_CASE("verify finds manual changes on a slave and writes nothing, and --repair corrects them") {
    three all;
    fill(all.at_master, "/a/", 2'000, 40);
    all.at_master.put(std::string("/b/\xff\x01", 5), "1");
    sync_daemon sync(all.config());
    REQUIRE(run(sync, {"sync"}).code == 0);
    all.at_second.put("/a/000007", "other");
    all.at_second.del("/a/000009");
    all.at_second.del(std::string("/b/\xff\x01", 5));
    all.at_second.put("/a/extra", "1");
    all.at_second.put("/outside", "nobody's business");
    const std::int64_t before = all.at_second.revision();
    const std::int64_t master_revision = all.at_master.revision();

    const command_result found = run(sync, {"verify"});
    CHECK(found.code == 2);
    CHECK(found.text ==
          fmt::format(
              "slave-1: equal to the master at revision {0}: 2001 keys\n"
              "slave-2:\n"
              "  * /a/000007  differs (5B -> 40B)\n"
              "  + /a/000009  missing (40B)\n"
              "  - /a/extra  only on the slave\n"
              "  + /b/\\xff\\x01  missing (1B)\n"
              "slave-2: 4 differences (the master has 2001 matching keys) at revision {0} of the master: 2 missing, 1 "
              "different, 1 only on the slave\n"
              "2 of 2 slaves compared, 4 differences, nothing written\n",
              master_revision));
    const command_result json = run(sync, {"verify", "-w", "jsonl", "--slave", "slave-2"});
    CHECK(json.code == 2);
    CHECK(holds(json.text,
                "{\"schema\":1,\"type\":\"difference\",\"slave\":\"slave-2\",\"kind\":\"different\",\"key\":"
                "\"/a/000007\",\"master_bytes\":40,\"slave_bytes\":5}\n"));
    CHECK(holds(json.text, "\"kind\":\"missing\",\"key_b64\":\"L2Iv/wE=\",\"master_bytes\":1}\n"));
    CHECK(holds(json.text,
                "\"at_checkpoint\":true,\"keys\":2001,\"missing\":2,\"different\":1,\"extra\":1,\"adopted\":0,"
                "\"foreign\":0,\"kept\":0}\n"));
    CHECK(holds(json.text, "{\"schema\":1,\"type\":\"summary\",\"selected\":1,"));
    CHECK(holds(json.text, "\"written\":0,\"exit_code\":2}\n"));
    const command_result object = run(sync, {"verify", "--json", "--slave", "slave-2"});
    CHECK(object.code == 2);
    CHECK(holds(object.text,
                "{\"schema\":1,\"slaves\":[{\"slave\":\"slave-2\",\"differences\":[{\"kind\":\"different\",\"key\":"
                "\"/a/000007\",\"master_bytes\":40,\"slave_bytes\":5},{"));
    CHECK(holds(object.text, "\"written\":0,\"exit_code\":2}\n"));
    CHECK(all.at_second.revision() == before);

    const command_result repaired = run(sync, {"verify", "--repair"});
    CHECK(repaired.code == 0);
    CHECK(holds(repaired.text, "slave-2: in sync at revision"));
    CHECK(holds(repaired.text, fmt::format("slave-2: equal to the master at revision {}: 2001 keys\n2 of 2 slaves "
                                           "compared, 4 differences, 4 keys written\n",
                                           master_revision)));
    CHECK(run(sync, {"verify", "-q"}).text == "");
    CHECK(all.at_second.range("/outside", "/outside0").size() == 1);
    CHECK(all.at_master.revision() == master_revision);
}

TEST_CASE("verify during constant replication finds no difference, even if revisions are compacted") {
    three all;
    fill(all.at_master, "/a/still/", 20'000, 200);
    load::options how;
    how.prefixes = {"/a/", "/b/"};
    how.per_second = 500;
    sync_daemon daemon(all.config());
    daemon.start();
    REQUIRE(eventually([&] { return daemon.logged("in sync") == 2; }, patience(60s)));
    load writer(all.master.port(), how);
    bool compacting = false;
    SUBCASE("without compaction") {}
    SUBCASE("with repeated compaction of both sides") { compacting = true; }
    sync_daemon sync(all.config());
    const int runs = long_run() ? 50 : 8;
    std::int64_t at_slave = 0;
    std::int64_t at_master = 0;
    const auto compact = [](etcd_client& store, std::int64_t& compacted, std::int64_t at) {
        if (at > compacted) store.compact(at);  // the daemon may have written nothing since
        compacted = at;
    };
    // On a fast machine a comparison may finish between two compactions: repeat.
    const auto not_hit = [&] { return compacting && sync.logged("comparison continues at new revisions") == 0; };
    for (int n = 0; n < runs || (n < 10 * runs && not_hit()); ++n) {
        const std::size_t before = sync.output().size();
        sync.start({"verify", "-v"});
        if (compacting) {
            // Compact once, in the middle of the comparison, which is paused meanwhile so that it cannot finish before.
            std::this_thread::sleep_for(5ms + 5ms * (n % 40));
            sync.signal(SIGSTOP);
            compact(all.at_first, at_slave, all.at_first.revision());
            // Only up to what the daemon has applied, so that this affects the comparison and not the daemon.
            compact(all.at_master, at_master, checkpoint_revision(all.at_first));
            sync.signal(SIGCONT);
        }
        const int code = sync.wait(patience(60s));
        INFO(sync.output().substr(before));
        CHECK(code == 0);
    }
    CHECK((sync.logged("comparison continues at new revisions") > 0) == compacting);
    writer.stop();
    CHECK(daemon.terminate() == 0);
}

TEST_CASE("a sync completes while a daemon runs, and the daemon continues afterwards") {
    three all;
    fill(all.at_master, "/a/", 5'000, 200);
    sync_daemon daemon(all.config(fast_probes));
    daemon.start();
    REQUIRE(eventually([&] { return daemon.logged("in sync") == 2; }, patience(30s)));
    std::unique_ptr<load> writer;
    SUBCASE("while the daemon is idle") {}
    SUBCASE("while the daemon replicates a load") {
        load::options how;
        how.prefixes = {"/b/"};
        how.per_second = 300;
        writer = std::make_unique<load>(all.master.port(), how);
    }
    all.at_first.put("/a/000007", "by hand");
    sync_daemon sync(all.config(fast_probes));
    const command_result done = run(sync, {"sync"});
    INFO(daemon.output());
    CAPTURE(done.text);
    CHECK(done.code == 0);
    if (writer) writer->stop();
    CHECK(all.at_first.range("/a/000007", std::string("/a/000007\0", 10)) ==
          all.at_master.range("/a/000007", std::string("/a/000007\0", 10)));
    const std::int64_t last = all.at_master.put("/b/last", "1");
    CHECK(eventually([&] { return follows_at(all.at_first, last) && follows_at(all.at_second, last); }, patience(30s)));
    CHECK(difference(keys_of(all.at_master), keys_of(all.at_first)) == "");
    INFO(daemon.output());

    CHECK(daemon.running());
    CHECK(daemon.terminate() == 0);
}

TEST_CASE("two syncs at the same time: one may be held, and it does not change the checkpoint of the other") {
    three all;
    fill(all.at_master, "/a/", 20'000, 100);
    sync_daemon one(all.config());
    sync_daemon other(all.config());
    REQUIRE(run(one, {"sync"}).code == 0);  // after this, the syncs only write checkpoints
    const std::int64_t before = all.at_first.revision();
    one.start({"sync", "--slave", "slave-1"});
    other.start({"sync", "--slave", "slave-1"});
    const int code = one.wait(patience(60s));
    const int other_code = other.wait(patience(60s));
    INFO(one.output());
    INFO(other.output());
    CHECK((code == 0 || code == 4));
    CHECK((other_code == 0 || other_code == 4));
    int ended = 0;
    for (const change& written : all.at_first.history(before + 1))
        ended += holds(written.value, "\"writer\":\"\"") ? 1 : 0;
    CHECK(ended == (code == 0 ? 1 : 0) + (other_code == 0 ? 1 : 0));
    CHECK(ended >= 1);
    CHECK(run(one, {"verify"}).code == 0);
}

TEST_CASE("a signal interrupts a running command gracefully, and it exits with the code of the signal") {
    three all;
    fill(all.at_master, "/a/", 50);
    // The command waits 3 s for each of these endpoints, long enough to be interrupted.
    const endpoint_list paused({all.second.url(), fmt::format("http://localhost:{}", all.second.port())});
    sync_daemon sync(config_for(all.master, {all.first, slave_entry(paused)}, rules));
    for (const char* const command : {"sync", "verify"}) {
        for (const int number : {SIGTERM, SIGINT}) {
            CAPTURE(std::string(command));
            all.second.pause();
            sync.start({command});
            REQUIRE(eventually([&] { return sync.handles(number); }, patience(3s)));
            std::this_thread::sleep_for(200ms);
            INFO(sync.output());
            REQUIRE(sync.running());
            sync.signal(number);
            CHECK(sync.wait(patience(8s)) == 128 + number);
            all.second.resume();
        }
    }
    CHECK(run(sync, {"sync"}).code == 0);
}
