// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/feed_plan.hpp"

#include "base/digest.hpp"
#include "replication/compare/page_reader.hpp"
#include "replication/setup/clusters.hpp"

#include <algorithm>
#include <cstdint>

namespace etcdsync::replication {

keys::key_range feed_plan::cover() const {
    keys::key_range all = links.front().wanted().keys.cover();
    for (const link_plan& one : links) all = hull(all, one.wanted().keys.cover());
    return all;
}

revision_assembler::selector feed_plan::selector() const {
    return [links = links](std::string_view key) {
        return std::ranges::any_of(links,
                                   [key](const link_plan& one) { return one.wanted().keys.rule_of(key).has_value(); });
    };
}

std::vector<feed_plan> plan_feeds(const config::config& settings) {
    const bool per_rule = settings.replicate.consistency == config::consistency_mode::rule;
    std::vector<feed_plan> all(per_rule ? settings.rules.size() : 1);
    for (std::size_t i = 0; per_rule && i < all.size(); ++i) all[i].rule = settings.rules[i].name;
    for (const config::slave& slave : settings.slaves) {
        const auto records = std::make_shared<const record_set>(records_for(settings, slave));
        for (std::size_t i = 0; i < records->wanted().size(); ++i)
            all[per_rule ? slave.rules[i] : 0].links.push_back({slave.name, records, i});
    }
    std::erase_if(all, [](const feed_plan& plan) { return plan.links.empty(); });
    return all;
}

std::size_t log_bytes_per_feed(const config::replication& replicate, std::size_t feeds) {
    constexpr std::uint64_t least = 64U << 10;
    return std::max(least, replicate.log_limit.value / std::max<std::size_t>(feeds, 1));
}

leader_settings plan_leader(const config::config& settings, const link_plan& plan) {
    leader_settings own;
    own.slave = plan.slave;
    own.key = leader_key(settings.replicate.checkpoint_prefix, settings.instance);
    own.positions =
        plan.records->is_per_rule() ? plan.records->per_rule() : keys::key_range{plan.records->all_mode_key(), {}};
    base::digest rules;
    for (const wanted_record& record : plan.records->wanted()) {
        rules.add(record.keys.digest());
    }
    own.rules = rules.hex();
    return own;
}

link_settings plan_settings(const config::config& settings, const job& what, const link_plan& plan,
                            const std::string& rule, const log_start& log_since) {
    const config::slave& slave = *std::ranges::find(settings.slaves, plan.slave, &config::slave::name);
    link_settings own;
    own.slave = slave.name;
    own.rule = rule;
    own.checkpoint = plan.wanted().at;
    own.records = plan.records;
    own.log_since = log_since;
    own.endpoints = urls(slave);
    own.page_bytes = page_bytes(settings.replicate);
    own.limits.max_ops = settings.replicate.txn_max_ops;
    own.limits.max_bytes = settings.replicate.txn_max_bytes.value;
    own.guards.safety = slave.guards;
    own.guards.adopts_foreign_keys = what.foreign == adoption::all;
    own.once = what.once;
    own.approve = what.once && what.approve;
    own.approve_foreign = what.foreign != adoption::none;
    return own;
}

}  // namespace etcdsync::replication
