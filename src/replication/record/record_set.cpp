// SPDX-License-Identifier: Apache-2.0
#include "replication/record/record_set.hpp"

#include "replication/mapping/slave_mapping.hpp"

#include <fmt/format.h>

namespace etcdsync::replication {

namespace {

constexpr std::string_view manifest_suffix = ":manifest";

std::string encoded_name(std::string_view rule) {
    std::string out = "/";
    for (const char c : rule) {
        const bool plain = c > ' ' && c < '\x7f' && c != '%';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

/// `rest`: what follows the name of the instance.
checkpoint_keys keys_of_instance(const std::string& prefix, std::string_view rest) {
    return {fmt::format("{}{}", prefix, rest), fmt::format("{}{}{}", prefix, manifest_suffix, rest)};
}

}  // namespace

checkpoint_keys all_mode_keys(std::string_view checkpoint_prefix, std::string_view instance) {
    return keys_of_instance(position_key(checkpoint_prefix, instance), {});
}

checkpoint_keys rule_keys(std::string_view checkpoint_prefix, std::string_view instance, std::string_view rule) {
    return keys_of_instance(position_key(checkpoint_prefix, instance), encoded_name(rule));
}

record_set::record_set(std::string_view checkpoint_prefix, std::string_view instance, config::consistency_mode mode)
    : all_mode_(all_mode_keys(checkpoint_prefix, instance)), per_rule_(keys::prefix_range(all_mode_.position + "/")),
      mode_(mode) {}

checkpoint_keys record_set::keys_at(std::string_view position) const {
    return keys_of_instance(all_mode_.position, position.substr(all_mode_.position.size()));
}

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
        records.add(all_mode_keys(prefix, settings.instance), mapping_for(settings, slave));
        for (std::size_t i = 0; i < rules.size(); ++i)
            records.add_former(mapping::of_one_rule(rules, i, slave.dest, prefix));
        return records;
    }
    records.add_former(mapping_for(settings, slave));
    for (std::size_t i = 0; i < rules.size(); ++i) {
        records.add(rule_keys(prefix, settings.instance, rules[i].name),
                    mapping::of_one_rule(rules, i, slave.dest, prefix));
    }
    return records;
}

}  // namespace etcdsync::replication
