// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/slave_mapping.hpp"

namespace etcdsync::replication {

std::vector<config::rule> rules_of(const config::config& settings, const config::slave& slave) {
    std::vector<config::rule> rules;
    for (const std::size_t index : slave.rules) rules.push_back(settings.rules[index]);
    return rules;
}

mapping mapping_for(const config::config& settings, const config::slave& slave) {
    return mapping(rules_of(settings, slave), slave.dest, settings.replicate.checkpoint_prefix);
}

}  // namespace etcdsync::replication
