// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/reconfiguration.hpp"

#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

using names = std::set<std::string>;

config::endpoint endpoint(const std::string& host) {
    config::endpoint out;
    out.url = "http://" + host;
    out.host = host;
    return out;
}

config::rule named(std::string name, config::rule rule) {
    rule.name = std::move(name);
    return rule;
}

config::slave slave(const std::string& name, std::vector<std::size_t> rules) {
    config::slave out;
    out.name = name;
    out.endpoints = {endpoint(name)};
    out.rules = std::move(rules);
    return out;
}

/// Slave "a" uses the rules x and y, "b" uses y.
config::config two_slaves() {
    config::config out;
    out.master.endpoints = {endpoint("master")};
    out.rules = {named("x", prefix_rule("/x/")), named("y", prefix_rule("/y/"))};
    out.slaves = {slave("a", {0, 1}), slave("b", {1})};
    return out;
}

struct change {
    config::config from = two_slaves();
    config::config to = two_slaves();
    [[nodiscard]] reconfiguration plan() const { return plan_changes(from, to); }
};

}  // namespace

TEST_CASE("without changes every slave is kept") {
    reconfiguration expected;
    expected.kept = {"a", "b"};
    CHECK(change().plan() == expected);
}

TEST_CASE("settings that no link uses change nothing") {
    change c;
    c.to.slaves[0].required = false;
    c.to.verify.interval = 1h;
    c.to.logging.level = config::log_level::debug;
    c.to.admin.token_file = "token";
    c.to.replicate.log_limit.value -= 1'000;
    c.to.replicate.memory_limit.value -= 1'000;
    CHECK(c.plan() == change().plan());
}

TEST_CASE("slaves are added, removed and reordered; the others are kept") {
    change c;
    c.to.slaves = {slave("c", {0, 1}), c.from.slaves[0]};
    const reconfiguration plan = c.plan();
    CHECK(plan.added == names{"c"});
    CHECK(plan.removed == names{"b"});
    CHECK(plan.kept == names{"a"});
    CHECK(plan.rebuilt.empty());
    CHECK(plan.reselect == names{""});  // no slave uses only y any more, but that is not checked
}

TEST_CASE("a slave is rebuilt if one of its own settings changes, and no other slave is") {
    change c;
    config::slave& b = c.to.slaves[1];
    SUBCASE("endpoints") { b.endpoints.push_back(endpoint("b2")); }
    SUBCASE("order of endpoints") {
        c.from.slaves[1].endpoints = {endpoint("b1"), endpoint("b2")};
        b.endpoints = {endpoint("b2"), endpoint("b1")};
    }
    SUBCASE("tls") { b.tls.ca = "other.crt"; }
    SUBCASE("user") { b.auth.user = "other"; }
    SUBCASE("password") { b.auth.password = "other"; }
    SUBCASE("dest") { b.dest = "/copy"; }
    SUBCASE("prune") { b.guards.prune = config::prune_mode::always; }
    SUBCASE("max_delete") { b.guards.max_delete.amount = 11; }
    SUBCASE("on_master_change") { b.guards.on_master_change = config::master_change::resync; }
    const reconfiguration plan = c.plan();
    CHECK_FALSE(plan.rebuild_all);
    CHECK(plan.kept == names{"a"});
    CHECK(plan.rebuilt == names{"b"});
    CHECK(plan.reselect.empty());
}

TEST_CASE("a changed rule rebuilds the slaves that use it, and the feed reads other keys if the rule selects others") {
    change c;
    config::rule& x = c.to.rules[0];
    bool selects_others = true;
    SUBCASE("selector") { x.select.begin = "/x2/"; }
    SUBCASE("include") { x.include = {"/x/*.json"}; }
    SUBCASE("exclude") { x.exclude = {"/x/tmp/"}; }
    SUBCASE("strip") {
        x.strip = "/x";
        selects_others = false;
    }
    SUBCASE("dest") {
        x.dest = "/moved";
        selects_others = false;
    }
    SUBCASE("delete") {
        x.replay_deletes = false;
        selects_others = false;
    }
    const reconfiguration plan = c.plan();
    CHECK(plan.kept == names{"b"});
    CHECK(plan.rebuilt == names{"a"});
    CHECK(plan.reselect == (selects_others ? names{""} : names{}));
}

TEST_CASE("a new rule that no slave uses shifts the indexes of the others, which changes nothing") {
    change c;
    c.to.rules.insert(c.to.rules.begin(), named("unused", prefix_rule("/z/")));
    c.to.slaves = {slave("a", {1, 2}), slave("b", {2})};
    CHECK(c.plan() == change().plan());
}

TEST_CASE("a slave that uses one more rule is rebuilt, and the feed reads more keys") {
    change c;
    c.to.rules.push_back(named("z", prefix_rule("/z/")));
    c.to.slaves[1].rules = {1, 2};
    const reconfiguration plan = c.plan();
    CHECK(plan.kept == names{"a"});
    CHECK(plan.rebuilt == names{"b"});
    CHECK(plan.reselect == names{""});
}

TEST_CASE("in consistency = \"rule\" only the feeds that read other keys are listed; new and removed ones are not") {
    change c;
    c.from.replicate.consistency = c.to.replicate.consistency = config::consistency_mode::rule;
    c.to.rules[0].select.begin = "/x2/";
    c.to.rules.push_back(named("z", prefix_rule("/z/")));
    c.to.slaves[1].rules = {2};
    const reconfiguration plan = c.plan();
    CHECK(plan.rebuilt == names{"a", "b"});
    // Slave a takes from y only the keys that x does not take first, and these changed, too.
    CHECK(plan.reselect == names{"x", "y"});
}

TEST_CASE("changed limits of Txns and pages rebuild every link, but no feed") {
    change c;
    SUBCASE("operations") { c.to.replicate.txn_max_ops = 64; }
    SUBCASE("bytes") { c.to.replicate.txn_max_bytes.value = 1U << 19; }
    SUBCASE("memory") { c.to.replicate.memory_limit.value *= 2; }
    SUBCASE("parallel full syncs") { c.to.replicate.full_sync_parallel = 4; }
    const reconfiguration plan = c.plan();
    CHECK_FALSE(plan.rebuild_all);
    CHECK(plan.rebuilt == names{"a", "b"});
    CHECK(plan.reselect.empty());
}

TEST_CASE("a change of a setting that everything uses rebuilds everything") {
    change c;
    SUBCASE("instance") { c.to.instance = "other"; }
    SUBCASE("endpoints of the master") { c.to.master.endpoints[0] = endpoint("m2"); }
    SUBCASE("tls of the master") { c.to.master.tls.insecure_skip_verify = true; }
    SUBCASE("user of the master") { c.to.master.auth.user = "other"; }
    SUBCASE("consistency") { c.to.replicate.consistency = config::consistency_mode::rule; }
    SUBCASE("checkpoint prefix") { c.to.replicate.checkpoint_prefix = "/other/"; }
    SUBCASE("probe interval") { c.to.replicate.probe_interval = 1s; }
    SUBCASE("request timeout") { c.to.replicate.request_timeout = 1s; }
    c.to.slaves.push_back(slave("c", {1}));
    const reconfiguration plan = c.plan();
    CHECK(plan.rebuild_all);
    CHECK(plan.kept.empty());
    CHECK(plan.rebuilt == names{"a", "b"});
    CHECK(plan.added == names{"c"});
    CHECK(plan.reselect.empty());
}

TEST_CASE("a kept slave pauses and resumes without being rebuilt") {
    change c;
    c.from.slaves[0].paused = true;
    c.to.slaves[1].paused = true;
    const reconfiguration plan = c.plan();
    CHECK(plan.kept == names{"a", "b"});
    CHECK(plan.paused == names{"b"});
    CHECK(plan.resumed == names{"a"});
}
