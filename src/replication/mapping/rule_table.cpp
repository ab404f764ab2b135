// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/rule_table.hpp"

#include "base/digest.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace etcdsync::replication {
namespace {

using keys::interval_index;
using keys::key_range;

std::vector<compiled_rule> compile(const std::vector<config::rule>& rules, std::string_view prefix) {
    std::vector<compiled_rule> out;
    out.reserve(rules.size());
    for (const config::rule& rule : rules) out.emplace_back(rule, prefix);
    return out;
}

std::vector<interval_index::interval> ranges_of(const std::vector<compiled_rule>& rules) {
    std::vector<interval_index::interval> out;
    for (std::size_t i = 0; i < rules.size(); ++i) out.push_back({rules[i].range, static_cast<std::uint32_t>(i)});
    return out;
}

/// The intervals where each rule may take keys.
std::vector<interval_index::interval> candidates_of(const std::vector<compiled_rule>& rules) {
    std::vector<interval_index::interval> out;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        for (key_range& part : rules[i].candidates()) out.push_back({std::move(part), static_cast<std::uint32_t>(i)});
    }
    return out;
}

std::uint64_t digest_of(std::string_view prefix, std::string_view checkpoint_prefix) {
    base::digest digest;
    digest.add(prefix);
    digest.add(checkpoint_prefix);
    return digest.value();
}

}  // namespace

rule_table::rule_table(const std::vector<config::rule>& rules, std::string_view prefix,
                       std::string_view checkpoint_prefix)
    : rules_(compile(rules, prefix)), checkpoints_(keys::prefix_range(checkpoint_prefix)),
      prefixes_digest_(digest_of(prefix, checkpoint_prefix)),
      takes_intervals_(std::ranges::all_of(rules_, &compiled_rule::takes_intervals)),
      replays_deletes_(std::ranges::all_of(rules_, &compiled_rule::replays_deletes)), ranges_(ranges_of(rules_)),
      candidates_(candidates_of(rules_), [this](std::uint32_t rule) { return rules_[rule].takes_intervals(); }) {}

std::optional<std::size_t> rule_table::rule_of(std::string_view key) const {
    if (checkpoints_.contains(key)) return std::nullopt;
    for (const std::uint32_t rule : candidates_.at(key)) {
        if (rules_[rule].takes(key)) return rule;
    }
    return std::nullopt;
}

std::vector<key_range> rule_table::taken_before(std::size_t rule) const {
    std::vector<key_range> out;
    candidates_.for_each_in(rules_[rule].range, [&](const key_range& part, std::span<const std::uint32_t> may_take) {
        if (!may_take.empty() && may_take.back() < rule && rules_[may_take.back()].takes_intervals())
            out.push_back(part);
    });
    return out;
}

std::string rule_table::digest(std::optional<std::size_t> only) const {
    base::digest digest;
    digest.add(prefixes_digest_);
    if (!only) {
        for (const compiled_rule& rule : rules_) digest.add(rule.digest);
        return digest.hex();
    }
    // Other rules do not matter, except earlier ones that may take a key from this one.
    std::set<std::uint32_t> earlier;
    ranges_.for_each_in(rules_[*only].range, [&](const key_range&, std::span<const std::uint32_t> overlapping) {
        for (const std::uint32_t rule : overlapping) {
            if (rule < *only) earlier.insert(rule);
        }
    });
    for (const std::uint32_t rule : earlier) {
        digest.add("not what this one takes:");
        digest.add(rules_[rule].digest);
    }
    digest.add(rules_[*only].digest);
    return digest.hex();
}

}  // namespace etcdsync::replication
