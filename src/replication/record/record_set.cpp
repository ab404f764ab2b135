// SPDX-License-Identifier: Apache-2.0
#include "replication/record/record_set.hpp"

#include "replication/mapping/slave_mapping.hpp"
#include "replication/record/checkpoint.hpp"

#include <fmt/format.h>

namespace etcdsync::replication {

std::string rule_checkpoint_key(std::string_view checkpoint_prefix, std::string_view instance, std::string_view rule) {
    std::string key = checkpoint_key(checkpoint_prefix, instance) + "/";
    for (const char c : rule) {
        const bool plain = c > ' ' && c < '\x7f' && c != '%';
        key += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return key;
}

record_set::record_set(std::string_view checkpoint_prefix, std::string_view instance, config::consistency_mode mode)
    : all_mode_key_(checkpoint_key(checkpoint_prefix, instance)), per_rule_(keys::prefix_range(all_mode_key_ + "/")),
      mode_(mode) {}

const mapping& record_set::keys_of(std::string_view digest, const mapping& otherwise) const {
    for (const mapping& keys : former_) {
        if (keys.digest() == digest) return keys;
    }
    return otherwise;
}

record_set records_for(const config::config& settings, const config::slave& slave) {
    const std::string& prefix = settings.replicate.checkpoint_prefix;
    const std::vector<config::rule> rules = rules_of(settings, slave);
    record_set records(prefix, settings.instance, settings.replicate.consistency);
    if (!records.is_per_rule()) {
        records.add(records.all_mode_key(), mapping_for(settings, slave));
        for (std::size_t i = 0; i < rules.size(); ++i)
            records.add_former(mapping::of_one_rule(rules, i, slave.dest, prefix));
        return records;
    }
    records.add_former(mapping_for(settings, slave));
    for (std::size_t i = 0; i < rules.size(); ++i) {
        records.add(rule_checkpoint_key(prefix, settings.instance, rules[i].name),
                    mapping::of_one_rule(rules, i, slave.dest, prefix));
    }
    return records;
}

}  // namespace etcdsync::replication
