// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/slave_mapping.hpp"

namespace etcdsync::replication {

std::vector<config::rule> rules_of(const config::config& settings, const config::slave& slave) {
    std::vector<config::rule> rules;
    for (const std::size_t index : slave.rules) rules.push_back(settings.rules[index]);
    return rules;
}

std::shared_ptr<const rule_table> rule_table_for(const config::config& settings, const config::slave& slave) {
    return std::make_shared<const rule_table>(rules_of(settings, slave), slave.dest,
                                              settings.replicate.checkpoint_prefix);
}

mapping mapping_for(const config::config& settings, const config::slave& slave) {
    return mapping(rule_table_for(settings, slave));
}

}  // namespace etcdsync::replication
