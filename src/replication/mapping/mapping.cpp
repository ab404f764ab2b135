// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/mapping.hpp"

#include "base/digest.hpp"
#include "config/selector_range.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace etcdsync::replication {
namespace {

using keys::key_range;

std::vector<keys::pattern> compile(const std::vector<std::string>& texts) {
    std::vector<keys::pattern> out;
    for (const std::string& text : texts) {
        auto pattern = keys::pattern::parse(text);
        BOOST_ASSERT(pattern);  // config::parse refuses all other patterns
        out.push_back(*pattern);
    }
    return out;
}

/// True if the end `a` (empty: the end of all keys) lies before `b`.
bool ends_before(const std::string& a, const std::string& b) {
    if (a.empty()) return false;
    return b.empty() || a < b;
}

std::vector<key_range> without(const key_range& range, const std::vector<key_range>& holes) {
    std::vector<key_range> left{range};
    for (const key_range& hole : holes) {
        std::vector<key_range> next;
        for (const key_range& part : left) {
            for (key_range& rest : keys::subtract(part, hole)) next.push_back(std::move(rest));
        }
        left = std::move(next);
    }
    return left;
}

/// The intervals that prefix and exact patterns cover; globs have none.
std::vector<key_range> holes_of(const std::vector<keys::pattern>& exclude) {
    std::vector<key_range> holes;
    for (const keys::pattern& pattern : exclude) {
        if (pattern.form() != keys::pattern::kind::glob) holes.push_back(pattern.bounds());
    }
    return holes;
}

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

}  // namespace

mapping::mapping(const std::vector<config::rule>& rules, std::string_view prefix, std::string_view checkpoint_prefix)
    : mapping(rules, prefix, checkpoint_prefix, std::nullopt) {}

mapping mapping::of_one_rule(const std::vector<config::rule>& rules, std::size_t only, std::string_view prefix,
                             std::string_view checkpoint_prefix) {
    return {rules, prefix, checkpoint_prefix, only};
}

mapping::mapping(const std::vector<config::rule>& rules, std::string_view prefix, std::string_view checkpoint_prefix,
                 std::optional<std::size_t> only)
    : only_(only), checkpoints_(keys::prefix_range(checkpoint_prefix)),
      digest_(digest_of(rules, prefix, checkpoint_prefix, only)) {
    BOOST_ASSERT(only.value_or(0) < rules.size());
    for (const config::rule& rule : rules) {
        compiled_rule compiled;
        compiled.range = config::selector_range(rule.select);
        compiled.include = compile(rule.include);
        compiled.exclude = compile(rule.exclude);
        compiled.keys = keys::canonical_mapping(rule.strip, std::string(prefix) + rule.dest);
        compiled.name = rule.name;
        compiled.replays_deletes = rule.replay_deletes;
        const auto is_glob = [](const keys::pattern& pattern) { return pattern.form() == keys::pattern::kind::glob; };
        if (!rule.include.empty() || std::any_of(compiled.exclude.begin(), compiled.exclude.end(), is_glob))
            takes_whole_segments_ = false;
        rules_.push_back(std::move(compiled));
    }
    cover_ = rules_[only.value_or(0)].range;
    for (std::size_t index = 0; index < rules_.size(); ++index) {
        if (only && index != *only) continue;
        const compiled_rule& rule = rules_[index];
        cover_.begin = std::min(cover_.begin, rule.range.begin);
        if (ends_before(cover_.end, rule.range.end)) cover_.end = rule.range.end;
        add_segments(rule, only ? taken_before(index) : std::vector<key_range>());
    }
    merge_segments();
}

std::vector<key_range> mapping::taken_before(std::size_t index) const {
    std::vector<key_range> taken;
    for (std::size_t i = 0; i < index; ++i) {
        const compiled_rule& rule = rules_[i];
        const auto is_glob = [](const keys::pattern& p) { return p.form() == keys::pattern::kind::glob; };
        if (!rule.include.empty() || std::any_of(rule.exclude.begin(), rule.exclude.end(), is_glob)) continue;
        for (key_range& part : without(rule.range, holes_of(rule.exclude))) taken.push_back(std::move(part));
    }
    return taken;
}

void mapping::add_segments(const compiled_rule& rule, std::vector<key_range> holes) {
    for (key_range& excluded : holes_of(rule.exclude)) holes.push_back(std::move(excluded));
    for (const key_range& kept : without(rule.range, holes)) {
        for (const key_range& source : keys::subtract(kept, checkpoints_)) {
            const auto target = keys::map_range(source, rule.keys.strip, rule.keys.dest);
            BOOST_ASSERT(target);  // config::parse checks that strip is a prefix of every key
            // The checkpoint prefix is a hole on the slave, too: cut it out there and map the rest
            // back.
            const key_range no_key{"", std::string(1, '\0')};  // keys that map to the empty key are skipped
            for (const key_range& part : without(*target, {checkpoints_, no_key})) {
                const auto back = keys::map_range(part, rule.keys.dest, rule.keys.strip);
                BOOST_ASSERT(back);
                const auto inside = keys::intersect(*back, source);
                if (inside) segments_.push_back({*inside, part, rule.keys});
            }
        }
    }
}

void mapping::merge_segments() {
    std::sort(segments_.begin(), segments_.end(),
              [](const segment& a, const segment& b) { return a.target.begin < b.target.begin; });
    std::vector<segment> merged;
    for (segment& next : segments_) {
        // Targets can meet only if their mappings are equal: config::parse refuses all others.
        const bool meets = !merged.empty() && merged.back().keys == next.keys &&
                           (merged.back().target.end.empty() || next.target.begin <= merged.back().target.end);
        if (!meets) {
            merged.push_back(std::move(next));
            continue;
        }
        segment& last = merged.back();
        if (ends_before(last.target.end, next.target.end)) last.target.end = next.target.end;
        if (ends_before(last.source.end, next.source.end)) last.source.end = next.source.end;
    }
    segments_ = std::move(merged);
    maps_ranges_ = takes_whole_segments_ && std::all_of(rules_.begin(), rules_.end(),
                                                        [](const compiled_rule& rule) { return rule.replays_deletes; });
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (keys::intersect(segments_[i].source, segments_[j].source)) maps_ranges_ = false;
        }
    }
}

bool mapping::takes(const compiled_rule& rule, std::string_view key) const {
    const auto matches = [key](const keys::pattern& pattern) { return pattern.matches(key); };
    if (!rule.range.contains(key)) return false;
    if (std::any_of(rule.exclude.begin(), rule.exclude.end(), matches)) return false;
    return rule.include.empty() || std::any_of(rule.include.begin(), rule.include.end(), matches);
}

std::optional<std::size_t> mapping::rule_of(std::string_view key) const {
    if (checkpoints_.contains(key)) return std::nullopt;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (!takes(rules_[i], key)) continue;
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
