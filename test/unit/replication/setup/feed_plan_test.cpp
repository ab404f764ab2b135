// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/feed_plan.hpp"

#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

config::endpoint endpoint(const std::string& host) {
    config::endpoint out;
    out.url = "http://" + host;
    out.host = host;
    return out;
}

config::rule named(const std::string& name) {
    config::rule out = prefix_rule("/" + name + "/");
    out.name = name;
    return out;
}

config::slave slave(const std::string& name, std::vector<std::size_t> rules) {
    config::slave out;
    out.name = name;
    out.endpoints = {endpoint(name + "1"), endpoint(name + "2")};
    out.rules = std::move(rules);
    return out;
}

/// Slave "one" uses the rules x and z, "two" uses z. No slave uses y.
config::config two_slaves(config::consistency_mode mode) {
    config::config out;
    out.instance = "it";
    out.replicate.consistency = mode;
    out.rules = {named("x"), named("y"), named("z")};
    out.slaves = {slave("one", {0, 2}), slave("two", {2})};
    return out;
}

std::vector<std::string> slaves_of(const feed_plan& plan) {
    std::vector<std::string> out;
    for (const link_plan& link : plan.links) out.push_back(link.slave);
    return out;
}

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("consistency all: one feed selects the keys of all links") {
    const auto plans = plan_feeds(two_slaves(config::consistency_mode::all));
    REQUIRE(plans.size() == 1);
    CHECK(plans[0].rule.empty());
    CHECK(slaves_of(plans[0]) == names{"one", "two"});
    CHECK(plans[0].links[1].wanted().at.position == "/.etcd-sync/it");
    CHECK(plans[0].cover() == keys::key_range{"/x/", "/z0"});
    const auto selects = plans[0].selector();
    CHECK(selects("/x/1"));
    CHECK_FALSE(selects("/y/1"));
    CHECK(selects("/z/1"));
}

TEST_CASE("consistency rule: one feed per rule that a slave uses, with its own links") {
    const auto plans = plan_feeds(two_slaves(config::consistency_mode::rule));
    REQUIRE(plans.size() == 2);
    CHECK(plans[0].rule == "x");
    CHECK(slaves_of(plans[0]) == names{"one"});
    CHECK(plans[1].rule == "z");
    CHECK(slaves_of(plans[1]) == names{"one", "two"});
    CHECK(plans[1].links[0].wanted().at.position == "/.etcd-sync/it/z");
    CHECK(plans[1].cover() == keys::key_range{"/z/", "/z0"});
    CHECK_FALSE(plans[1].selector()("/x/1"));
}

TEST_CASE("the memory for the log is divided among the feeds, and none gets less than the minimum") {
    config::replication replicate;
    replicate.log_limit.value = 1U << 20;
    CHECK(log_bytes_per_feed(replicate, 0) == 1U << 20);
    CHECK(log_bytes_per_feed(replicate, 1) == 1U << 20);
    CHECK(log_bytes_per_feed(replicate, 4) == 1U << 18);
    CHECK(log_bytes_per_feed(replicate, 1'000) == 64U << 10);
}

TEST_CASE("a link has the settings of its slave, its rule and its feed") {
    config::config settings = two_slaves(config::consistency_mode::rule);
    settings.replicate.txn_max_ops = 77;
    settings.replicate.txn_max_bytes.value = 7'777;
    settings.slaves[1].guards.on_master_change = config::master_change::resync;
    const auto plans = plan_feeds(settings);
    const link_plan& plan = plans[1].links[1];
    log_start since;
    since.generation = 3;
    const link_settings own = plan_settings(settings, job(), plan, "z", since);
    CHECK(own.slave == "two");
    CHECK(own.rule == "z");
    CHECK(own.checkpoint.position == "/.etcd-sync/it/z");
    CHECK(own.records == plan.records);
    CHECK(own.log_since.generation == 3);
    CHECK(own.endpoints == "http://two1 http://two2");
    CHECK(own.limits.max_ops == 77);
    CHECK(own.limits.max_bytes == 7'777);
    CHECK(own.guards.safety.on_master_change == config::master_change::resync);
    CHECK_FALSE(own.guards.approved);
    CHECK_FALSE(own.guards.adopts_foreign_keys);
    CHECK_FALSE(own.once);
    const job approved{.once = true, .approve = true};
    const link_settings once = plan_settings(settings, approved, plan, "z", since);
    CHECK(once.once);
    CHECK(once.approve);
    CHECK_FALSE(once.approve_foreign);
    CHECK_FALSE(once.guards.approved);
    CHECK_FALSE(once.guards.accepts_other_master);
    CHECK_FALSE(once.guards.adopts_foreign_keys);
    const link_settings if_held =
        plan_settings(settings, {.once = true, .approve = true, .foreign = adoption::if_held}, plan, "z", since);
    CHECK(if_held.approve_foreign);
    CHECK_FALSE(if_held.guards.adopts_foreign_keys);
    const link_settings named =
        plan_settings(settings, {.once = true, .approve = true, .foreign = adoption::all}, plan, "z", since);
    CHECK(named.guards.adopts_foreign_keys);
}
