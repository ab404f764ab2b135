// SPDX-License-Identifier: Apache-2.0
// Users that have only the permissions for the rules and the checkpoints, or fewer.
#include "command_result.hpp"
#include "stage_with_users.hpp"
#include "suggested.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

/// Two rules, a and x, whose ranges are far apart. They replace the default rules of the stage.
stage_options two_rules(std::string_view mode) {
    stage_options how;
    how.prefixes = {};
    how.tables = fmt::format(
        "[[rule]]\nname = \"a\"\nprefix = \"/a/\"\n[[rule]]\nname = \"x\"\nprefix = \"/x/\"\n"
        "[replication]\nprobe_interval = \"1s\"\nconsistency = \"{}\"\n",
        mode);
    return how;
}

std::string checkpoint_name(std::string_view rule) { return fmt::format("etcd-sync/{}", rule); }

/// Grants the permissions for one prefix: read on the master, read and write on the slave.
void grant_rule(stage_with_users& all, const std::string& prefix) {
    all.at_master.grant_prefix("syncer", "read", prefix);
    all.at_slave.grant_prefix("syncer", "readwrite", prefix);
}

/// Writes a key for each rule, and waits until the slave has it.
void await(stage_with_users& all, std::initializer_list<const char*> rules, std::string_view value) {
    for (const char* rule : rules) {
        const std::int64_t last = all.on.at_master.put(fmt::format("/{}/last", rule), value);
        CAPTURE(rule);
        INFO(all.on.sync.output());
        REQUIRE(eventually([&] { return follows_at(all.on.at_slave(), last, checkpoint_name(rule)); }, patience(30s)));
    }
}

void finish(stage_with_users& all) {
    await(all, {"a", "x"}, "the end");
    CHECK(all.on.sync.terminate() == 0);
    INFO(all.on.sync.output());
    CHECK(all.on.sync.logged("held: needs approval") == 0);
    CHECK(difference(with_prefix(keys_of(all.on.at_master), {"/a/", "/x/"}), keys_of(all.on.at_slave())) == "");
    for (const std::string rule : {"a", "x"}) {
        const std::string prefix = fmt::format("/{}/", rule);
        const exactness_report report =
            check_exactness(all.on.at_master, all.on.at_slave(),
                            {same_keys({prefix}), checkpoint_name(rule),
                             [prefix](std::string_view key) { return key.starts_with(prefix); }});
        CHECK(report.fault == "");
        CHECK(report.state == "follow");
    }
}

/// Removes the backslashes that escape quotes in log lines.
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

TEST_CASE("consistency = \"rule\" needs only permissions for the ranges of the rules and for the checkpoints") {
    stage_with_users all({}, two_rules("rule"));
    grant_rule(all, "/a/");
    grant_rule(all, "/x/");
    SUBCASE("for the prefix of the checkpoints") {
        all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    }
    SUBCASE("for the two keys of each checkpoint") {
        all.at_slave.grant("syncer", "readwrite", "/.etcd-sync/etcd-sync/a");
        all.at_slave.grant("syncer", "readwrite", "/.etcd-sync/etcd-sync/x");
        all.at_slave.grant("syncer", "readwrite", "/.etcd-sync/etcd-sync:manifest/a");
        all.at_slave.grant("syncer", "readwrite", "/.etcd-sync/etcd-sync:manifest/x");
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

TEST_CASE("a rule without permissions logs what is missing and starts when it is granted, and the other rule works") {
    stage_with_users all({}, two_rules("rule"));
    all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    grant_rule(all, "/a/");
    all.switch_on();
    fill(all.on.at_master, "/a/", 100);
    fill(all.on.at_master, "/x/", 100);
    all.on.sync.start();
    await(all, {"a"}, "first");
    CHECK(all.on.await_log("permission denied"));
    const std::string output = unquoted(all.on.sync.output());
    CAPTURE(output);
    CHECK(output.find("it takes read from \"/x/\" to before \"/x0\"") != std::string::npos);
    CHECK(checkpoint_of(all.on.at_slave(), "etcd-sync/x").empty());
    grant_rule(all, "/x/");
    finish(all);
}

TEST_CASE(
    "with the same permissions consistency = \"all\" logs the missing permission and suggests consistency = \"rule\"") {
    stage_with_users all({}, two_rules("all"));
    grant_rule(all, "/a/");
    grant_rule(all, "/x/");
    all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    all.switch_on();
    fill(all.on.at_master, "/a/", 100);
    all.on.sync.start();
    CHECK(all.on.await_log("consistency = \\\"rule\\\""));
    std::this_thread::sleep_for(4s);
    const std::string output = unquoted(all.on.sync.output());
    CAPTURE(output);
    CHECK(output.find("it takes read from \"/a/\" to before \"/x0\"") != std::string::npos);
    const std::vector<std::string> checks = suggested(all.on.sync.output(), "check", "");
    REQUIRE_FALSE(checks.empty());
    CHECK(checks.front() == "etcd-sync -c " + all.on.sync.config_path() + " check-config --connect");
    const command_result check = run_in_shell(checks.front());
    CHECK(check.code == 77);
    CHECK(check.holds("etcdctl role grant-permission ROLE read /a/ /x0"));
    CHECK(all.on.sync.logged("permission denied") <= 12);
    // The permission that it logs is sufficient.
    all.at_master.grant("syncer", "read", "/a/", "/x0");
    const std::int64_t last = all.on.at_master.put("/a/last", "1");
    CHECK(eventually([&] { return follows_at(all.on.at_slave(), last); }, patience(20s)));
    CHECK(all.on.sync.terminate() == 0);
    CHECK(difference(with_prefix(keys_of(all.on.at_master), {"/a/", "/x/"}), keys_of(all.on.at_slave())) == "");
}

TEST_CASE("revoking the permissions of one rule stops only that rule, and it resumes when they are granted again") {
    stage_with_users all({}, two_rules("rule"));
    grant_rule(all, "/a/");
    grant_rule(all, "/x/");
    all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    all.switch_on();
    fill(all.on.at_master, "/a/", 300);
    fill(all.on.at_master, "/x/", 300);
    all.on.sync.start();
    await(all, {"a", "x"}, "first");
    const std::size_t full_syncs = all.on.sync.logged("full sync");
    load writer(all.on.master.port(), some_load());
    std::size_t denied = 0;
    SUBCASE("on the slave") {
        all.at_slave.revoke_prefix("syncer", "/x/");
        CHECK(all.on.await_log("permission denied"));
        await(all, {"a"}, "second");
        CHECK_FALSE(follows_at(all.on.at_slave(), all.on.at_master.revision(), "etcd-sync/x"));
        std::this_thread::sleep_for(4s);
        denied = all.on.sync.logged("permission denied");
        all.at_slave.grant_prefix("syncer", "readwrite", "/x/");
    }
    SUBCASE("on the master, which applies it at its next start") {
        all.at_master.revoke_prefix("syncer", "/x/");
        all.on.master.kill();
        all.on.master.start();
        const bool denial_logged = all.on.await_log("permission denied");
        INFO(all.on.sync.output());
        CHECK(denial_logged);
        await(all, {"a"}, "second");
        std::this_thread::sleep_for(4s);
        denied = all.on.sync.logged("permission denied");
        all.at_master.grant_prefix("syncer", "read", "/x/");
    }
    CHECK(denied <= 12);
    writer.stop();
    finish(all);
    CHECK(all.on.sync.logged("full sync") == full_syncs);
}

TEST_CASE("verify and a dry run print the missing permissions of a denied rule, and compare the other rules") {
    stage_with_users all({}, two_rules("rule"));
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
    const command_result synced = run(all.on.sync, {"sync", "--json"});
    CAPTURE(synced.text);
    CHECK(synced.code == 3);
    CHECK(synced.holds(fmt::format(R"("exit_code":3,"master":{{"revision":{}}},)", all.on.at_master.revision())));
    CHECK(synced.holds(R"({"slave":"slave-1","rule":"a","state":"denied","cause":")"));
    CHECK(synced.holds(R"({"slave":"slave-1","rule":"x","state":"in_sync",)"));
    for (const std::vector<std::string>& command : {std::vector<std::string>{"verify"}, {"sync", "-n"}}) {
        const command_result partial = run(all.on.sync, command);
        CAPTURE(partial.text);
        CHECK(partial.code == 3);
        CHECK(partial.holds("slave-1/a: failed: "));
        CHECK(partial.holds(missing));
        CHECK(partial.holds("slave-1/x: equal to the master at revision"));
        CHECK(partial.holds("0 of 1 slave compared, 0 differences, nothing written\n"));
    }
    all.on.at_slave().put("/x/extra", "1");
    const command_result differs = run(all.on.sync, {"verify"});
    CAPTURE(differs.text);
    CHECK(differs.code == 3);  // one differs, and another one could not be compared
    CHECK(differs.holds("slave-1/x:\n  - /x/extra  only on the slave\n"));
    const command_result repaired = run(all.on.sync, {"verify", "--repair"});
    CAPTURE(repaired.text);
    CHECK(repaired.code == 3);
    CHECK(repaired.holds("slave-1/x: in sync at revision"));
    CHECK(repaired.holds("slave-1/x: equal to the master at revision"));
    CHECK(all.on.at_slave().range("/x/extra", {}).empty());
}

TEST_CASE(
    "with consistency = \"all\" verify and a dry run print the missing permission and suggest consistency = \"rule\"") {
    stage_with_users all({}, two_rules("all"));
    grant_rule(all, "/a/");
    grant_rule(all, "/x/");
    all.at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/etcd-sync");
    all.switch_on();
    for (const std::vector<std::string>& command : {std::vector<std::string>{"verify"}, {"sync", "-n"}}) {
        const command_result result = run(all.on.sync, command);
        CAPTURE(result.text);
        CHECK(result.code == 77);
        CHECK(result.holds("slave-1: failed: the master: "));
        CHECK(result.holds("it takes read from \"/a/\" to before \"/x0\", or consistency = \"rule\""));
    }
}
