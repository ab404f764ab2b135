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

std::optional<mapping> record_set::keys_in_other_mode(std::string_view digest) const {
    if (!rules_) return std::nullopt;
    if (is_per_rule()) {
        if (rules_->digest(std::nullopt) != digest) return std::nullopt;
        return mapping(rules_);
    }
    for (std::size_t i = 0; i < rules_->size(); ++i) {
        if (rules_->digest(i) == digest) return mapping::of_one_rule(rules_, i);
    }
    return std::nullopt;
}

record_set records_for(const config::config& settings, const config::slave& slave) {
    const std::string& prefix = settings.replicate.checkpoint_prefix;
    const auto rules = rule_table_for(settings, slave);
    record_set records(prefix, settings.instance, settings.replicate.consistency);
    records.set_rules(rules);
    if (!records.is_per_rule()) {
        records.add(all_mode_keys(prefix, settings.instance), mapping(rules));
        return records;
    }
    for (std::size_t i = 0; i < rules->size(); ++i)
        records.add(rule_keys(prefix, settings.instance, (*rules)[i].name), mapping::of_one_rule(rules, i));
    return records;
}

}  // namespace etcdsync::replication
