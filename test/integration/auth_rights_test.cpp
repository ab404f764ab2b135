// SPDX-License-Identifier: Apache-2.0
// A user with few rights: those on the ranges of the rules and on the records, and less.
#include "guarded.hpp"
#include "said.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

/// Two rules far apart, named a and x, for stage_options.tables; the stage's own rules are left out.
stage_options two_rules(std::string_view mode) {
    stage_options how;
    how.prefixes = {};
    how.tables = fmt::format(
        "[[rule]]\nname = \"a\"\nprefix = \"/a/\"\n[[rule]]\nname = \"x\"\nprefix = \"/x/\"\n"
        "[replication]\nprobe_interval = \"1s\"\nconsistency = \"{}\"\n",
        mode);
    return how;
}

std::string record_of(std::string_view rule) { return fmt::format("etcd-sync/{}", rule); }

/// The rules of two_rules() and no more: read on the master, write on the slave.
void grant_rule(guarded& all, const std::string& prefix) {
    all.at_master.grant_prefix("syncer", "read", prefix);
    all.at_slave.grant_prefix("syncer", "readwrite", prefix);
}

/// Both rules have arrived at what is written now.
void await(guarded& all, std::initializer_list<const char*> rules, std::string_view value) {
    for (const char* rule : rules) {
        const std::int64_t last = all.on.at_master.put(fmt::format("/{}/last", rule), value);
        CAPTURE(rule);
        INFO(all.on.sync.output());
        REQUIRE(eventually([&] { return follows_at(all.on.at_slave(), last, record_of(rule)); }, patience(30s)));
    }
}

void finish(guarded& all) {
    await(all, {"a", "x"}, "the end");
    CHECK(all.on.sync.terminate() == 0);
    INFO(all.on.sync.output());
    CHECK(all.on.sync.said("held: needs approval") == 0);
    CHECK(difference(with_prefix(keys_of(all.on.at_master), {"/a/", "/x/"}), keys_of(all.on.at_slave())) == "");
    for (const std::string rule : {"a", "x"}) {
        const std::string prefix = fmt::format("/{}/", rule);
        const exactness_report report = check_exactness(
            all.on.at_master, all.on.at_slave(),
            {same_keys({prefix}), record_of(rule), [prefix](std::string_view key) { return key.starts_with(prefix); }});
        CHECK(report.fault == "");
        CHECK(report.state == "follow");
    }
}

/// A log line has its quotes escaped.
std::string unquoted(std::string text) {
    std::erase(text, '\\');
    return text;
}

load::options some_load() {
    load::options how = load_on({"/a/", "/x/", "/m/"}, 100);
    how.may_fail = true;
    return how;
}

}  // namespace

TEST_CASE("with rights on the rules' ranges and on the records alone, consistency = \"rule\" works") {
    guarded all({}, two_rules("rule"));
    grant_rule(all, "/a/");
    grant_rule(all, "/x/");
    SUBCASE("on the prefix of the records") {
        all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    }
    SUBCASE("on the key of each record, and on nothing else") {
        all.at_slave.grant("syncer", "readwrite", "/.etcd-sync/etcd-sync/a");
        all.at_slave.grant("syncer", "readwrite", "/.etcd-sync/etcd-sync/x");
    }
    all.switch_on();
    fill(all.on.at_master, "/a/", 1'000);
    fill(all.on.at_master, "/m/", 1'000);
    fill(all.on.at_master, "/x/", 1'000);
    all.on.sync.start();
    await(all, {"a", "x"}, "first");
    load writer(all.on.master.port(), some_load());
    std::this_thread::sleep_for(2s);
    writer.stop();
    finish(all);
}

TEST_CASE("rights on one of two rules: that one works, the other says what is missing, and comes once it is granted") {
    guarded all({}, two_rules("rule"));
    all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    grant_rule(all, "/a/");
    all.switch_on();
    fill(all.on.at_master, "/a/", 100);
    fill(all.on.at_master, "/x/", 100);
    all.on.sync.start();
    await(all, {"a"}, "first");
    CHECK(all.on.hears("permission denied"));
    const std::string said = unquoted(all.on.sync.output());
    CAPTURE(said);
    CHECK(said.find("it takes read from \"/x/\" to before \"/x0\"") != std::string::npos);
    CHECK(checkpoint_of(all.on.at_slave(), "etcd-sync/x").empty());
    grant_rule(all, "/x/");
    finish(all);
}

TEST_CASE(
    "with the same rights consistency = \"all\" cannot work: the missing grant and consistency = \"rule\" are named") {
    guarded all({}, two_rules("all"));
    grant_rule(all, "/a/");
    grant_rule(all, "/x/");
    all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    all.switch_on();
    fill(all.on.at_master, "/a/", 100);
    all.on.sync.start();
    CHECK(all.on.hears("consistency = \\\"rule\\\""));
    std::this_thread::sleep_for(4s);
    const std::string said = unquoted(all.on.sync.output());
    CAPTURE(said);
    CHECK(said.find("it takes read from \"/a/\" to before \"/x0\"") != std::string::npos);
    CHECK(said.find("to see what to grant") != std::string::npos);
    CHECK(all.on.sync.said("permission denied") <= 12);
    // What it asks for is enough.
    all.at_master.grant("syncer", "read", "/a/", "/x0");
    const std::int64_t last = all.on.at_master.put("/a/last", "1");
    CHECK(eventually([&] { return follows_at(all.on.at_slave(), last); }, patience(20s)));
    CHECK(all.on.sync.terminate() == 0);
    CHECK(difference(with_prefix(keys_of(all.on.at_master), {"/a/", "/x/"}), keys_of(all.on.at_slave())) == "");
}

TEST_CASE("rights on one rule taken away in mid-run stop that rule and no other; given again, it goes on") {
    guarded all({}, two_rules("rule"));
    grant_rule(all, "/a/");
    grant_rule(all, "/x/");
    all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    all.switch_on();
    fill(all.on.at_master, "/a/", 300);
    fill(all.on.at_master, "/x/", 300);
    all.on.sync.start();
    await(all, {"a", "x"}, "first");
    const std::size_t full_syncs = all.on.sync.said("full sync");
    load writer(all.on.master.port(), some_load());
    std::size_t denied = 0;
    SUBCASE("on the slave") {
        all.at_slave.revoke_prefix("syncer", "/x/");
        CHECK(all.on.hears("permission denied"));
        await(all, {"a"}, "second");
        CHECK_FALSE(follows_at(all.on.at_slave(), all.on.at_master.revision(), "etcd-sync/x"));
        std::this_thread::sleep_for(4s);
        denied = all.on.sync.said("permission denied");
        all.at_slave.grant_prefix("syncer", "readwrite", "/x/");
    }
    SUBCASE("on the master, noticed with its next start") {
        all.at_master.revoke_prefix("syncer", "/x/");
        all.on.master.kill();
        all.on.master.start();
        const bool heard = all.on.hears("permission denied");
        INFO(all.on.sync.output());
        CHECK(heard);
        await(all, {"a"}, "second");
        std::this_thread::sleep_for(4s);
        denied = all.on.sync.said("permission denied");
        all.at_master.grant_prefix("syncer", "read", "/x/");
    }
    CHECK(denied <= 12);
    writer.stop();
    finish(all);
    CHECK(all.on.sync.said("full sync") == full_syncs);
}

TEST_CASE("verify and a dry run tell what it takes to compare a rule that is refused, and compare the others") {
    guarded all({}, two_rules("rule"));
    all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    grant_rule(all, "/x/");
    std::string_view missing = "permission denied";
    SUBCASE("on the master") {
        all.at_slave.grant_prefix("syncer", "readwrite", "/a/");
        missing = "it takes read from \"/a/\" to before \"/a0\"\n";
    }
    SUBCASE("on the slave") { all.at_master.grant_prefix("syncer", "read", "/a/"); }
    all.switch_on();
    fill(all.on.at_master, "/a/", 10);
    fill(all.on.at_master, "/x/", 10);
    const said synced = run(all.on.sync, {"sync", "--json"});
    CAPTURE(synced.text);
    CHECK(synced.code == 3);
    CHECK(synced.holds(fmt::format(R"("exit_code":3,"master":{{"revision":{}}},)", all.on.at_master.revision())));
    CHECK(synced.holds(R"({"slave":"slave-1","rule":"a","state":"denied","cause":")"));
    CHECK(synced.holds(R"({"slave":"slave-1","rule":"x","state":"in_sync",)"));
    for (const std::vector<std::string>& command : {std::vector<std::string>{"verify"}, {"sync", "-n"}}) {
        const said well = run(all.on.sync, command);
        CAPTURE(well.text);
        CHECK(well.code == 3);
        CHECK(well.holds("slave-1/a: failed: "));
        CHECK(well.holds(missing));
        CHECK(well.holds("slave-1/x: equal to the master at revision"));
        CHECK(well.holds("0 of 1 slave compared, 0 differences, nothing written\n"));
    }
    all.on.at_slave().put("/x/extra", "1");
    const said differs = run(all.on.sync, {"verify"});
    CAPTURE(differs.text);
    CHECK(differs.code == 2);
    CHECK(differs.holds("slave-1/x:\n  - /x/extra  only on the slave\n"));
    const said repaired = run(all.on.sync, {"verify", "--repair"});
    CAPTURE(repaired.text);
    CHECK(repaired.code == 3);
    CHECK(repaired.holds("slave-1/x: in sync at revision"));
    CHECK(repaired.holds("slave-1/x: equal to the master at revision"));
    CHECK(all.on.at_slave().range("/x/extra", {}).empty());
}

TEST_CASE("in consistency = \"all\" verify and a dry run name the missing grant and consistency = \"rule\"") {
    guarded all({}, two_rules("all"));
    grant_rule(all, "/a/");
    grant_rule(all, "/x/");
    all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    all.switch_on();
    for (const std::vector<std::string>& command : {std::vector<std::string>{"verify"}, {"sync", "-n"}}) {
        const said told = run(all.on.sync, command);
        CAPTURE(told.text);
        CHECK(told.code == 77);
        CHECK(told.holds("slave-1: failed: the master: "));
        CHECK(told.holds("it takes read from \"/a/\" to before \"/x0\", or consistency = \"rule\""));
    }
}
