// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/feed_plan.hpp"

#include <algorithm>

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

}  // namespace etcdsync::replication
