// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/mapping.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace etcdsync::replication {
namespace {

using keys::key_range;

key_range cover_of(const rule_table& rules, std::optional<std::size_t> only) {
    BOOST_ASSERT(only.value_or(0) < rules.size());
    if (only) return rules[*only].range;
    key_range all = rules[0].range;
    for (const compiled_rule& rule : rules) all = keys::hull(all, rule.range);
    return all;
}

bool sources_overlap(const std::vector<segment>& segments) {
    std::vector<const key_range*> sources;
    for (const segment& one : segments) sources.push_back(&one.source);
    std::ranges::sort(sources, {}, [](const key_range* one) -> const std::string& { return one->begin; });
    const auto overlap = [](const key_range* a, const key_range* b) { return a->end.empty() || b->begin < a->end; };
    return std::ranges::adjacent_find(sources, overlap) != sources.end();
}

}  // namespace

mapping::mapping(std::shared_ptr<const rule_table> rules, std::optional<std::size_t> only)
    : rules_(std::move(rules)), only_(only), cover_(cover_of(*rules_, only)), segments_(segments_of(*rules_, only)),
      digest_(rules_->digest(only)),
      maps_ranges_(rules_->takes_intervals() && rules_->replays_deletes() && !sources_overlap(segments_)) {}

std::optional<std::size_t> mapping::rule_of(std::string_view key) const {
    const auto rule = rules_->rule_of(key);
    return only_ && rule != only_ ? std::nullopt : rule;
}

bool mapping::is_hole(std::string_view slave_key) const {
    return slave_key.empty() || rules_->checkpoints().contains(slave_key);
}

std::optional<std::size_t> mapping::map(std::string_view key, std::string& out) const {
    const auto rule = rule_of(key);
    if (!rule) return std::nullopt;
    const keys::mapping& keys = (*rules_)[*rule].keys;
    out.assign(keys.dest).append(key.substr(keys.strip.size()));
    return rule;
}

bool mapping::to_slave(std::string_view key, std::string& out) const { return map(key, out) && !is_hole(out); }

std::optional<std::size_t> mapping::to_slave(const segment& where, std::string_view key, std::string& out) const {
    const auto rule = rule_of(key);
    if (!rule || (*rules_)[*rule].keys != where.keys) return std::nullopt;
    out.assign(where.keys.dest).append(key.substr(where.keys.strip.size()));
    if (is_hole(out)) return std::nullopt;
    return rule;
}

std::optional<std::size_t> mapping::to_master(const segment& where, std::string_view key, std::string& out) const {
    if (is_hole(key) || !key.starts_with(where.keys.dest)) return std::nullopt;
    out.assign(where.keys.strip).append(key.substr(where.keys.dest.size()));
    const auto rule = rule_of(out);
    if (!rule || (*rules_)[*rule].keys != where.keys) return std::nullopt;
    return rule;
}

}  // namespace etcdsync::replication
