// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/permissions.hpp"

#include "config/selector_range.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/mapping/slave_mapping.hpp"
#include "replication/record/record_set.hpp"

#include <algorithm>
#include <optional>

namespace etcdsync::replication {
namespace {

using subject = permission::subject;

bool is_taken(const config::config& settings, std::size_t rule) {
    return std::ranges::any_of(settings.slaves, [rule](const config::slave& slave) {
        return std::ranges::find(slave.rules, rule) != slave.rules.end();
    });
}

}  // namespace

std::vector<permission> needed_on_master(const config::config& settings, config::consistency_mode mode) {
    std::vector<permission> each;
    for (std::size_t i = 0; i < settings.rules.size(); ++i) {
        const config::rule& rule = settings.rules[i];
        if (!is_taken(settings, i)) continue;
        each.push_back({subject::rule, rule.name, config::selector_range(rule.select), false});
    }
    if (mode == config::consistency_mode::rule || each.size() < 2) return each;
    permission all{subject::all_rules, {}, each.front().keys, false};
    for (const permission& one : each) all.keys = keys::hull(all.keys, one.keys);
    return {all};
}

std::vector<permission> needed_on_slave(const config::config& settings, const config::slave& slave) {
    std::vector<permission> all;
    all.push_back({subject::checkpoint, {}, records_for(settings, slave).all_keys(), true});
    const auto rules = rule_table_for(settings, slave);
    for (std::size_t i = 0; i < rules->size(); ++i) {
        for (const segment& one : segments_of(*rules, i))
            all.push_back({subject::rule, (*rules)[i].name, one.target, true});
    }
    return all;
}

}  // namespace etcdsync::replication
