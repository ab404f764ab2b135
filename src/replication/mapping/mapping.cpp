// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/mapping.hpp"

#include "base/digest.hpp"
#include "config/selector_range.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace etcdsync::replication {
namespace {

using keys::key_range;

/// True if rule `index` belongs into the digest. The digest of a mapping of one rule covers only
/// that rule and the earlier rules that may take a key from it, so that changes of other rules do
/// not change it.
bool affects(const std::vector<config::rule>& rules, std::size_t index, std::optional<std::size_t> only) {
    if (!only || index == *only) return true;
    return index < *only &&
           keys::intersect(config::selector_range(rules[index].select), config::selector_range(rules[*only].select));
}

std::string digest_of(const std::vector<config::rule>& rules, std::string_view prefix,
                      std::string_view checkpoint_prefix, std::optional<std::size_t> only) {
    base::digest digest;
    digest.add(prefix);
    digest.add(checkpoint_prefix);
    for (std::size_t index = 0; index < rules.size(); ++index) {
        if (!affects(rules, index, only)) continue;
        const config::rule& rule = rules[index];
        if (only && index < *only) digest.add("not what this one takes:");
        const key_range range = config::selector_range(rule.select);
        for (const std::string* part : {&range.begin, &range.end, &rule.strip, &rule.dest}) digest.add(*part);
        for (const auto* patterns : {&rule.include, &rule.exclude}) {
            digest.add(patterns->size());
            for (const std::string& pattern : *patterns) digest.add(pattern);
        }
        digest.add(std::uint64_t{rule.replay_deletes});
    }
    return digest.hex();
}

std::vector<compiled_rule> compile(const std::vector<config::rule>& rules, std::string_view prefix) {
    std::vector<compiled_rule> out;
    for (const config::rule& rule : rules) out.emplace_back(rule, prefix);
    return out;
}

key_range cover_of(const std::vector<compiled_rule>& rules, std::optional<std::size_t> only) {
    BOOST_ASSERT(only.value_or(0) < rules.size());
    if (only) return rules[*only].range;
    key_range all = rules.front().range;
    for (const compiled_rule& rule : rules) all = keys::hull(all, rule.range);
    return all;
}

bool sources_overlap(const std::vector<segment>& segments) {
    for (std::size_t i = 0; i < segments.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (keys::intersect(segments[i].source, segments[j].source)) return true;
        }
    }
    return false;
}

}  // namespace

mapping::mapping(const std::vector<config::rule>& rules, std::string_view prefix, std::string_view checkpoint_prefix)
    : mapping(rules, prefix, checkpoint_prefix, std::nullopt) {}

mapping mapping::of_one_rule(const std::vector<config::rule>& rules, std::size_t only, std::string_view prefix,
                             std::string_view checkpoint_prefix) {
    return {rules, prefix, checkpoint_prefix, only};
}

mapping::mapping(const std::vector<config::rule>& rules, std::string_view prefix, std::string_view checkpoint_prefix,
                 std::optional<std::size_t> only)
    : rules_(compile(rules, prefix)), only_(only), checkpoints_(keys::prefix_range(checkpoint_prefix)),
      cover_(cover_of(rules_, only)), segments_(segments_of(rules_, only, checkpoints_)),
      digest_(digest_of(rules, prefix, checkpoint_prefix, only)),
      takes_whole_segments_(std::ranges::all_of(rules_, &compiled_rule::takes_intervals)),
      maps_ranges_(takes_whole_segments_ && std::ranges::all_of(rules_, &compiled_rule::replays_deletes) &&
                   !sources_overlap(segments_)) {}

std::optional<std::size_t> mapping::rule_of(std::string_view key) const {
    if (checkpoints_.contains(key)) return std::nullopt;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (!rules_[i].takes(key)) continue;
        if (only_ && i != *only_) return std::nullopt;
        return i;
    }
    return std::nullopt;
}

bool mapping::is_hole(std::string_view slave_key) const {
    return slave_key.empty() || checkpoints_.contains(slave_key);
}

std::optional<std::size_t> mapping::map(std::string_view key, std::string& out) const {
    const auto rule = rule_of(key);
    if (!rule) return std::nullopt;
    const keys::mapping& keys = rules_[*rule].keys;
    out.assign(keys.dest).append(key.substr(keys.strip.size()));
    return rule;
}

bool mapping::to_slave(std::string_view key, std::string& out) const { return map(key, out) && !is_hole(out); }

std::optional<std::size_t> mapping::to_slave(const segment& where, std::string_view key, std::string& out) const {
    const auto rule = rule_of(key);
    if (!rule || rules_[*rule].keys != where.keys) return std::nullopt;
    out.assign(where.keys.dest).append(key.substr(where.keys.strip.size()));
    if (is_hole(out)) return std::nullopt;
    return rule;
}

std::optional<std::size_t> mapping::to_master(const segment& where, std::string_view key, std::string& out) const {
    if (is_hole(key) || !key.starts_with(where.keys.dest)) return std::nullopt;
    out.assign(where.keys.strip).append(key.substr(where.keys.dest.size()));
    const auto rule = rule_of(out);
    if (!rule || rules_[*rule].keys != where.keys) return std::nullopt;
    return rule;
}

}  // namespace etcdsync::replication
