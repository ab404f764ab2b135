// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/reconfiguration.hpp"

#include "replication/compare/page_reader.hpp"
#include "replication/mapping/slave_mapping.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

namespace etcdsync::replication {
namespace {

/// Settings that every feed and link works by.
bool is_same_base(const config::config& a, const config::config& b) {
    const auto shared = [](const config::replication& r) {
        return std::tie(r.consistency, r.probe_interval, r.request_timeout, r.checkpoint_prefix);
    };
    return a.instance == b.instance && a.master == b.master && shared(a.replicate) == shared(b.replicate);
}

bool has_same_limits(const config::replication& a, const config::replication& b) {
    return a.txn_max_ops == b.txn_max_ops && a.txn_max_bytes.value == b.txn_max_bytes.value &&
           page_bytes(a) == page_bytes(b);
}

const config::slave* find_slave(const config::config& in, const std::string& name) {
    const auto found = std::ranges::find(in.slaves, name, &config::slave::name);
    return found == in.slaves.end() ? nullptr : &*found;
}

bool is_same_slave(const config::config& from, const config::slave& before, const config::config& to,
                   const config::slave& now) {
    const config::cluster& endpoints_before = before;
    return endpoints_before == now && before.dest == now.dest && before.guards == now.guards &&
           rules_of(from, before) == rules_of(to, now) && has_same_limits(from.replicate, to.replicate);
}

/// The keys of the master that one link takes, as far as the configuration says it: the rules in their order, of which a link of
/// consistency = "rule" takes the last only.
using selection = std::vector<
    std::tuple<config::selector::kind, std::string, std::string, std::vector<std::string>, std::vector<std::string>>>;

/// What each feed reads, by its rule.
std::map<std::string, std::set<selection>> selections(const config::config& of) {
    const bool per_rule = of.replicate.consistency == config::consistency_mode::rule;
    std::map<std::string, std::set<selection>> all;
    for (const config::slave& slave : of.slaves) {
        selection taken;
        for (const config::rule& rule : rules_of(of, slave)) {
            taken.emplace_back(rule.select.form, rule.select.begin, rule.select.end, rule.include, rule.exclude);
            if (per_rule) all[rule.name].insert(taken);
        }
        if (!per_rule) all[{}].insert(taken);
    }
    return all;
}

}  // namespace

reconfiguration plan_changes(const config::config& from, const config::config& to) {
    reconfiguration plan;
    plan.rebuild_all = !is_same_base(from, to);
    for (const config::slave& slave : from.slaves) {
        if (find_slave(to, slave.name) == nullptr) plan.removed.insert(slave.name);
    }
    for (const config::slave& slave : to.slaves) {
        const config::slave* before = find_slave(from, slave.name);
        if (before == nullptr) {
            plan.added.insert(slave.name);
            continue;
        }
        const bool stays = !plan.rebuild_all && is_same_slave(from, *before, to, slave);
        (stays ? plan.kept : plan.rebuilt).insert(slave.name);
        if (before->paused != slave.paused) (slave.paused ? plan.paused : plan.resumed).insert(slave.name);
    }
    if (plan.rebuild_all) return plan;
    const auto before = selections(from);
    for (const auto& [rule, selected] : selections(to)) {
        const auto found = before.find(rule);
        if (found != before.end() && found->second != selected) plan.reselect.insert(rule);
    }
    return plan;
}

}  // namespace etcdsync::replication
