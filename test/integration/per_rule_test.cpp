// SPDX-License-Identifier: Apache-2.0
#include "command_result.hpp"
#include "load.hpp"
#include "support/exact.hpp"
#include "support/exactness_checker.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>
#include <set>
#include <thread>

using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view rules = R"([[rule]]
name = "a"
prefix = "/a/"
[[rule]]
name = "b"
prefix = "/b/"
)";

std::string in_mode(std::string_view mode, std::string_view of = rules) {
    return std::string(of) + "[replication]\nconsistency = \"" + std::string(mode) + "\"\n";
}

const std::set<std::string> all_mode_checkpoint{"/.etcd-sync/etcd-sync", "/.etcd-sync/etcd-sync:manifest"};
const std::set<std::string> rule_checkpoints{"/.etcd-sync/etcd-sync/a", "/.etcd-sync/etcd-sync/b",
                                             "/.etcd-sync/etcd-sync:manifest/a", "/.etcd-sync/etcd-sync:manifest/b"};

std::set<std::string> checkpoints_of(etcd_client& slave) {
    std::set<std::string> keys;
    for (const auto& [key, value] : slave.range(checkpoint_prefix, "/.etcd-sync0")) {
        if (!key.ends_with(":leader")) keys.insert(key);
    }
    return keys;
}

exactness_rules of_rule(const std::string& name) {
    const std::string prefix = "/" + name + "/";
    return {same_keys({prefix}), "etcd-sync/" + name,
            [prefix](std::string_view key) { return key.starts_with(prefix); }};
}

/// The changes after `revision`, without checkpoints.
std::vector<change> data_after(etcd_client& slave, std::int64_t revision) {
    std::vector<change> data = slave.history(revision + 1);
    std::erase_if(data, [](const change& c) { return c.key.starts_with(checkpoint_prefix); });
    return data;
}

/// True if any revision of the slave had checkpoints of both modes.
bool ever_had_checkpoints_of_both_modes(etcd_client& slave) {
    bool has_all = false;
    std::set<std::string> each;
    std::int64_t at = 0;
    for (const change& c : slave.history(1)) {
        if (c.revision != at && has_all && !each.empty()) return true;
        at = c.revision;
        if (c.key == *all_mode_checkpoint.begin()) has_all = c.is_put;
        if (!c.key.starts_with("/.etcd-sync/etcd-sync/")) continue;
        if (c.is_put) {
            each.insert(c.key);
        } else {
            each.erase(c.key);
        }
    }
    return has_all && !each.empty();
}

struct stage {
    explicit stage(std::vector<std::string> master_flags = {}) : master(std::move(master_flags), role::master) {
        for (etcd_server* server : {&master, &slave_1, &slave_2}) server->start();
    }
    etcd_server master{role::master};
    etcd_server slave_1;
    etcd_server slave_2;
    etcd_client at_master{master.port()};
    etcd_client at_slave_1{slave_1.port()};
    etcd_client at_slave_2{slave_2.port()};

    [[nodiscard]] std::string config(std::string_view tables) const {
        return config_for(master, {slave_1, slave_2}, tables);
    }
    [[nodiscard]] key_map wanted() { return with_prefix(keys_of(at_master), {"/a/", "/b/"}); }
    [[nodiscard]] bool exact() {
        return difference(wanted(), keys_of(at_slave_1)).empty() && difference(wanted(), keys_of(at_slave_2)).empty();
    }

    [[nodiscard]] bool exact_but(const std::set<std::string>& foreign) {
        key_map here = keys_of(at_slave_1);
        for (const std::string& key : foreign) here.erase(key);
        return difference(wanted(), here).empty() && difference(wanted(), keys_of(at_slave_2)).empty();
    }

    void sync_all(sync_daemon& sync) {
        fill(at_master, "/a/", 300);
        fill(at_master, "/b/", 300);
        REQUIRE(sync.run({"sync"}) == 0);
    }

    /// Writes a key for each rule, and waits until both slaves follow at it.
    void await_follow(std::string_view value) {
        for (const std::string rule : {"a", "b"}) {
            const std::int64_t last = at_master.put("/" + rule + "/last", value);
            for (etcd_client* slave : {&at_slave_1, &at_slave_2})
                REQUIRE(eventually([&] { return follows_at(*slave, last, "etcd-sync/" + rule); }, patience(30s)));
        }
    }
};

}  // namespace

TEST_CASE(
    "with consistency = \"rule\" each rule has its own checkpoint on each slave, and follows after its first full "
    "sync") {
    stage on;
    fill(on.at_master, "/a/", 1'000);
    fill(on.at_master, "/b/", 700);
    fill(on.at_master, "/other/", 50);
    sync_daemon sync(on.config(in_mode("rule")));
    sync.start();
    on.await_follow("first");
    CHECK(on.exact());
    for (etcd_client* slave : {&on.at_slave_1, &on.at_slave_2}) CHECK(checkpoints_of(*slave) == rule_checkpoints);

    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.per_second = 300;
    load writer(on.master.port(), how);
    std::this_thread::sleep_for(3s);
    writer.stop();
    on.await_follow("second");
    INFO(sync.output());
    CHECK(on.exact());
    CHECK(sync.logged("\"in sync\" slave=slave-1 rule=a") >= 1);
    CHECK(sync.logged("\"in sync\" slave=slave-2 rule=b") >= 1);
    CHECK(sync.terminate() == 0);
    for (etcd_client* slave : {&on.at_slave_1, &on.at_slave_2}) {
        for (const char* rule : {"a", "b"}) {
            const exactness_report report = check_exactness(on.at_master, *slave, of_rule(rule));
            CHECK(report.fault == "");
            CHECK(report.state == "follow");
            CHECK(report.data_revisions > 10);
        }
    }
}

TEST_CASE("after a kill and a restart each rule continues where it was, and applies the deletes that it missed") {
    stage on;
    fill(on.at_master, "/a/", 500);
    fill(on.at_master, "/b/", 500);
    load::options how;
    how.prefixes = {"/a/", "/b/"};
    how.per_second = 300;
    load writer(on.master.port(), how);
    sync_daemon sync(on.config(in_mode("rule")));
    std::mt19937 random(3);
    sync.start();
    on.await_follow("first");
    const std::size_t full_syncs = sync.logged("full sync");
    const int kills = long_run() ? 30 : 6;
    for (int i = 0; i < kills; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 700));
        REQUIRE(sync.running());
        sync.kill();
        sync.start();
    }
    writer.stop();
    on.await_follow("second");
    CHECK(sync.terminate() == 0);
    on.at_master.del("/a/0001", "/a/0002");
    on.at_master.del("/b/000007");
    sync.start();
    on.await_follow("third");
    INFO(sync.output());
    CHECK(on.exact());
    CHECK(sync.logged("full sync") == full_syncs);
    CHECK(sync.terminate() == 0);
    for (etcd_client* slave : {&on.at_slave_1, &on.at_slave_2}) {
        for (const char* rule : {"a", "b"}) CHECK(check_exactness(on.at_master, *slave, of_rule(rule)).fault == "");
    }
}

TEST_CASE("deletes that the master has compacted are applied by a full sync of their rule") {
    stage on;
    fill(on.at_master, "/a/", 500);
    fill(on.at_master, "/b/", 500);
    sync_daemon sync(on.config(in_mode("rule")));
    sync.start();
    on.await_follow("first");
    CHECK(sync.terminate() == 0);
    const std::int64_t before = on.at_slave_1.revision();
    on.at_master.del("/a/0001", "/a/0002");
    on.at_master.put("/a/000003", "changed");
    on.at_master.compact(on.at_master.put("/elsewhere", "1"));
    sync.start();
    INFO(sync.output());
    CHECK(eventually([&] { return on.exact(); }, patience(30s)));
    on.await_follow("second");
    CHECK(sync.terminate() == 0);
    // 100 deletes, a put, and the two puts of await_follow().
    CHECK(data_after(on.at_slave_1, before).size() == 103);
}

TEST_CASE("two rules with interleaved keys under one prefix: each one copies and prunes only its own keys") {
    constexpr std::string_view shared = R"([[rule]]
name = "a"
prefix = "/a/"
include = ["/a/*.conf"]
[[rule]]
name = "b"
range = ["/a", "/c"]
)";
    stage on;
    for (int i = 0; i < 200; ++i) {
        on.at_master.put("/a/" + std::to_string(i) + ".conf", "1");
        on.at_master.put("/a/" + std::to_string(i), "1");
    }
    sync_daemon sync(on.config(in_mode("rule", shared)));
    sync.start();
    INFO(sync.output());
    CHECK(eventually([&] { return on.exact(); }, patience(30s)));
    on.at_master.del("/a/1.conf");
    on.at_master.del("/a/2");
    CHECK(eventually([&] { return on.exact(); }, patience(30s)));
    CHECK(sync.terminate() == 0);
    on.at_master.del("/a/10.conf");
    on.at_master.del("/a/20");
    on.at_master.compact(on.at_master.put("/elsewhere", "1"));
    const std::int64_t before = on.at_slave_1.revision();
    sync.start();
    CHECK(eventually([&] { return on.exact(); }, patience(30s)));
    CHECK(sync.terminate() == 0);
    CHECK(data_after(on.at_slave_1, before).size() == 2);
}

TEST_CASE("a value that is too large for the slaves stops only its rule, which continues when the key is changed") {
    stage on({"--max-request-bytes=10485760"});
    on.at_master.put("/a/1", "1");
    on.at_master.put("/b/1", "1");
    sync_daemon sync(
        on.config(in_mode("rule") + "probe_interval = \"1s\"\nmemory_limit = \"32MiB\"\nlog_limit = \"8MiB\"\n"));
    sync.start();
    on.await_follow("first");
    for (const std::size_t bytes : {1'700'000U, 3'000'000U}) {
        CAPTURE(bytes);
        const std::size_t before = sync.logged("the key /a/huge with a value of");
        on.at_master.put("/a/huge", std::string(bytes, 'h'));
        INFO(sync.output());
        CHECK(eventually([&] { return sync.logged("the key /a/huge with a value of") >= before + 2; }, patience(30s)));
        const std::int64_t last = on.at_master.put("/b/1", std::to_string(bytes));
        for (etcd_client* slave : {&on.at_slave_1, &on.at_slave_2}) {
            CHECK(eventually([&] { return follows_at(*slave, last, "etcd-sync/b"); }, patience(10s)));
            CHECK(slave->range("/a/huge", {}).empty());
        }
        on.at_master.put("/a/huge", "small again");
        CHECK(eventually([&] { return on.exact(); }, patience(30s)));
        on.at_master.del("/a/huge");
        CHECK(eventually([&] { return on.exact(); }, patience(30s)));
    }
    CHECK(sync.terminate() == 0);
}

TEST_CASE(
    "changing between \"all\" and \"rule\" keeps foreign keys, rewrites no equal key, and applies the deletes "
    "meanwhile") {
    stage on;
    on.at_slave_1.put("/a/foreign", "kept");
    on.at_slave_1.put("/b/foreign", "kept");
    fill(on.at_master, "/a/", 500);
    fill(on.at_master, "/b/", 500);
    sync_daemon all(on.config(in_mode("all")));
    sync_daemon each(on.config(in_mode("rule")));
    const auto exact = [&] {
        key_map with_foreign = on.wanted();
        with_foreign["/a/foreign"] = "kept";
        with_foreign["/b/foreign"] = "kept";
        return difference(with_foreign, keys_of(on.at_slave_1)).empty() &&
               difference(on.wanted(), keys_of(on.at_slave_2)).empty();
    };
    int rounds = 0;
    for (sync_daemon* daemon : {&all, &each, &all, &each, &all}) {
        const std::string round = std::to_string(++rounds);
        CAPTURE(round);
        const std::int64_t before = on.at_slave_1.revision();
        daemon->start();
        INFO(daemon->output());
        CHECK(eventually(exact, patience(30s)));
        const bool per_rule = daemon == &each;
        const auto follows = [&](etcd_client& slave) {
            if (!per_rule) return follows_at(slave, 1);
            return follows_at(slave, 1, "etcd-sync/a") && follows_at(slave, 1, "etcd-sync/b");
        };
        for (etcd_client* slave : {&on.at_slave_1, &on.at_slave_2}) {
            CHECK(eventually([&] { return follows(*slave); }, patience(30s)));
            CHECK(checkpoints_of(*slave) == (per_rule ? rule_checkpoints : all_mode_checkpoint));
        }
        // The first full sync, then two deletes per round.
        CHECK(data_after(on.at_slave_1, before).size() == (rounds == 1 ? 1'000 : 2));
        CHECK(daemon->terminate() == 0);
        on.at_master.del("/a/00000" + round);
        on.at_master.del("/b/00000" + round);
    }
    CHECK_FALSE(ever_had_checkpoints_of_both_modes(on.at_slave_1));
}

TEST_CASE("killed at random times while the mode changes repeatedly: no claim grows, nothing is lost") {
    stage on;
    on.at_slave_1.put("/a/foreign", "kept");
    fill(on.at_master, "/a/", 300);
    fill(on.at_master, "/b/", 300);
    load::options how;
    how.prefixes = {"/a/", "/b/"};
    how.per_second = 200;
    load writer(on.master.port(), how);
    // A full sync that was killed before its first page cannot verify the history, so its differences must not be held here.
    const std::string unguarded = "[safety]\nmax_delete = \"100%\"\n";
    sync_daemon all(on.config(in_mode("all") + unguarded));
    sync_daemon each(on.config(in_mode("rule") + unguarded));
    std::mt19937 random(5);
    const int kills = long_run() ? 60 : 16;
    for (int i = 0; i < kills; ++i) {
        sync_daemon& daemon = i % 2 == 0 ? all : each;
        daemon.start();
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 600));
        REQUIRE(daemon.running());
        daemon.kill();
    }
    writer.stop();
    each.start();
    const bool both = eventually(
        [&] {
            return on.exact_but({"/a/foreign"}) && follows_at(on.at_slave_1, 1, "etcd-sync/a") &&
                   follows_at(on.at_slave_1, 1, "etcd-sync/b");
        },
        patience(30s));
    INFO(each.output());
    REQUIRE(both);
    on.await_follow("last");
    key_map expected = on.wanted();
    CHECK(difference(expected, keys_of(on.at_slave_2)) == "");
    expected["/a/foreign"] = "kept";
    CHECK(difference(expected, keys_of(on.at_slave_1)) == "");
    CHECK(each.terminate() == 0);
    for (etcd_client* slave : {&on.at_slave_1, &on.at_slave_2}) CHECK_FALSE(ever_had_checkpoints_of_both_modes(*slave));
}

TEST_CASE(
    "two daemons with one instance name in different modes: one is held, and there are never checkpoints of both "
    "modes") {
    stage on;
    fill(on.at_master, "/a/", 300);
    fill(on.at_master, "/b/", 300);
    sync_daemon all(on.config(in_mode("all")));
    sync_daemon each(on.config(in_mode("rule")));
    all.start();
    CHECK(eventually([&] { return on.exact(); }, patience(30s)));
    CHECK(eventually([&] { return follows_at(on.at_slave_1, 1) && follows_at(on.at_slave_2, 1); }, patience(30s)));
    each.start();
    CHECK(eventually([&] { return each.logged("another configuration uses this instance name") >= 4; }, patience(30s)));
    on.at_master.put("/a/1", "by the first");
    CHECK(eventually([&] { return on.exact(); }, patience(30s)));
    for (etcd_client* slave : {&on.at_slave_1, &on.at_slave_2}) CHECK(checkpoints_of(*slave) != rule_checkpoints);
    CHECK(all.logged("another etcd-sync") == 0);
    CHECK(all.terminate() == 0);
    on.await_follow("by the second");
    CHECK(on.exact());
    CHECK(each.terminate() == 0);
    for (etcd_client* slave : {&on.at_slave_1, &on.at_slave_2}) {
        CHECK(checkpoints_of(*slave) == rule_checkpoints);
        CHECK_FALSE(ever_had_checkpoints_of_both_modes(*slave));
    }
}

TEST_CASE("a checkpoint of the other mode that appears on a slave is deleted before any key is written") {
    for (const std::string mode : {"all", "rule"}) {
        CAPTURE(mode);
        stage on;
        // etcd 3.2 cannot compare intervals, so it only detects the checkpoint of a rule when all are read, before a claim.
        if (mode == "all" && !on.slave_1.program().takes_nested_txns()) continue;
        fill(on.at_master, "/a/", 100);
        fill(on.at_master, "/b/", 100);
        sync_daemon sync(on.config(in_mode(mode)));
        sync.start();
        CHECK(eventually([&] { return on.exact(); }, patience(30s)));
        const std::set<std::string> ours = mode == "all" ? all_mode_checkpoint : rule_checkpoints;
        CHECK(eventually([&] { return checkpoints_of(on.at_slave_1) == ours && sync.logged("in sync") > 0; },
                         patience(10s)));
        const std::string other = mode == "all" ? *rule_checkpoints.begin() : *all_mode_checkpoint.begin();
        const std::int64_t before = on.at_slave_1.put(other, "not ours");
        on.at_master.del("/a/000001");
        on.at_master.put("/b/000002", "2");
        CHECK(eventually([&] { return on.exact(); }, patience(30s)));
        CHECK(checkpoints_of(on.at_slave_1) == ours);
        bool other_exists = true;
        for (const change& c : on.at_slave_1.history(before + 1)) {
            if (c.key == other) other_exists = c.is_put;
            if (!c.key.starts_with(checkpoint_prefix)) CHECK_FALSE(other_exists);
        }
        CHECK_FALSE(other_exists);
        CHECK(data_after(on.at_slave_1, before).size() == 2);
        CHECK(sync.terminate() == 0);
    }
}

TEST_CASE(
    "removing a rule from the configuration keeps its keys and deletes its checkpoint, so they are foreign when it is "
    "added again") {
    stage on;
    fill(on.at_master, "/a/", 100);
    fill(on.at_master, "/b/", 100);
    const std::string only_a = "[[rule]]\nname = \"a\"\nprefix = \"/a/\"\n";
    sync_daemon both(on.config(in_mode("rule")));
    sync_daemon one(on.config(in_mode("rule", only_a)));
    both.start();
    on.await_follow("first");
    CHECK(both.terminate() == 0);
    const std::int64_t before = on.at_slave_1.revision();
    one.start();
    CHECK(eventually([&] { return checkpoints_of(on.at_slave_1).size() == 2; }, patience(10s)));
    const std::int64_t last = on.at_master.put("/a/last", "second");
    CHECK(eventually([&] { return follows_at(on.at_slave_1, last, "etcd-sync/a"); }, patience(10s)));
    CHECK(one.logged("full sync") == 0);
    CHECK(one.terminate() == 0);
    CHECK(with_prefix(keys_of(on.at_slave_1), {"/b/"}).size() == 101);
    CHECK(data_after(on.at_slave_1, before).size() == 1);
    // Another client uses the keys meanwhile.
    on.at_slave_1.put("/b/theirs", "1");
    both.start();
    on.await_follow("third");
    CHECK(on.at_slave_1.range("/b/theirs", {}).size() == 1);
    CHECK(both.terminate() == 0);
}

TEST_CASE("verify and a dry run compare each rule according to its own checkpoint") {
    stage on;
    fill(on.at_master, "/a/", 300);
    fill(on.at_master, "/b/", 300);
    sync_daemon sync(on.config(in_mode("rule")));
    CHECK(sync.run({"sync"}) == 0);
    CHECK(sync.run({"verify"}) == 0);
    CHECK(sync.logged("2 of 2 slaves compared") == 1);
    on.at_slave_1.put("/b/extra", "1");
    CHECK(sync.run({"verify"}) == 2);
    CHECK(sync.run({"sync", "--dry-run"}) == 2);
    CHECK(sync.logged("- /b/extra") == 2);
    for (int i = 0; i < 150; ++i) on.at_slave_1.put("/a/extra" + std::to_string(i), "1");
    CHECK(sync.run({"sync", "--dry-run"}) == 4);
    CHECK(sync.run({"sync"}) == 4);
    CHECK(sync.run({"sync", "--approve"}) == 0);
    CHECK(sync.run({"verify"}) == 0);
}

TEST_CASE("verify --repair prints the result of each rule on each slave, and the number of keys written") {
    stage on;
    sync_daemon sync(on.config(in_mode("rule")));
    on.sync_all(sync);
    on.at_slave_1.put("/b/000001", "other");
    on.at_slave_2.put("/a/000002", "other");
    on.at_slave_2.put("/b/000003", "other");
    on.at_slave_2.put("/b/extra", "1");
    SUBCASE("as text") {
        const command_result result = run(sync, {"verify", "--repair"});
        CAPTURE(result.text);
        CHECK(result.code == 0);
        CHECK(result.holds("slave-1/a: equal to the master at revision"));
        CHECK(result.holds("slave-2/b:\n  * /b/000003  differs"));
        CHECK(result.holds("slave-2/b: 2 differences (the master has 300 matching keys)"));
        for (const std::string_view repaired : {"slave-1/a: in sync at revision {}: nothing to write\n",
                                                "slave-1/b: in sync at revision {}: 1 put, 0 deletes\n",
                                                "slave-2/a: in sync at revision {}: 1 put, 0 deletes\n",
                                                "slave-2/b: in sync at revision {}: 1 put, 1 delete\n"})
            CHECK(result.holds(fmt::format(fmt::runtime(repaired), on.at_master.revision())));
        CHECK(result.holds("slave-2/b: equal to the master at revision"));
        CHECK(result.holds("2 of 2 slaves compared, 4 differences, 4 keys written\n"));
    }
    SUBCASE("as JSON lines") {
        const command_result result = run(sync, {"verify", "--repair", "-w", "jsonl"});
        CAPTURE(result.text);
        CHECK(result.code == 0);
        CHECK(result.holds(R"("type":"difference","slave":"slave-2","rule":"b","kind":"extra","key":"/b/extra"})"));
        CHECK(result.holds(R"("type":"report","slave":"slave-2","rule":"a","state":"different")"));
        CHECK(result.holds(R"("type":"repair","slave":"slave-1","rule":"b","state":"in_sync","puts":1,"deletes":0})"));
        CHECK(result.holds(R"("type":"repair","slave":"slave-2","rule":"b","state":"in_sync","puts":1,"deletes":1})"));
        CHECK(result.holds(R"("type":"report","slave":"slave-2","rule":"a","state":"equal")"));
        CHECK(
            result.holds(R"("selected":2,"compared":2,"differences":4,"too_far_behind":0,"written":4,"exit_code":0})"));
    }
    CHECK(on.exact());
}

TEST_CASE("if a guard holds one rule, verify --repair exits with 4, and repairs the other rule and the other slave") {
    stage on;
    sync_daemon sync(on.config(in_mode("rule")));
    on.sync_all(sync);
    fill(on.at_slave_1, "/b/more-", 150);
    on.at_slave_1.put("/a/000001", "other");
    on.at_slave_2.put("/a/000002", "other");
    const command_result result = run(sync, {"verify", "--repair"});
    CAPTURE(result.text);
    CHECK(result.code == 4);
    CHECK(result.holds(fmt::format("slave-1/a: in sync at revision {}: 1 put, 0 deletes\n", on.at_master.revision())));
    CHECK(result.holds("slave-1/a: equal to the master at revision"));
    CHECK(result.holds("slave-1/b: held: would delete 150 of the 450 keys of rule \"b\""));
    CHECK_FALSE(result.holds("slave-1/b: equal"));
    CHECK(result.holds(fmt::format("slave-2/a: in sync at revision {}: 1 put, 0 deletes\n", on.at_master.revision())));
    CHECK(result.holds("slave-2/a: equal to the master at revision"));
    CHECK(result.holds("2 of 2 slaves compared, 152 differences, 2 keys written\n"));
    CHECK(with_prefix(keys_of(on.at_slave_1), {"/b/more-"}).size() == 150);
    CHECK(difference(on.wanted(), keys_of(on.at_slave_2)) == "");
    const command_result held = run(sync, {"sync", "--json"});
    CHECK(held.code == 4);
    CHECK(held.holds(R"({"slave":"slave-1","rule":"b","state":"held")"));
}
