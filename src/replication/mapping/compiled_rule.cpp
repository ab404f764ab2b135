// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/compiled_rule.hpp"

#include "base/digest.hpp"
#include "config/selector_range.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

std::vector<keys::pattern> compile(const std::vector<std::string>& texts) {
    std::vector<keys::pattern> out;
    for (const std::string& text : texts) {
        auto pattern = keys::pattern::parse(text);
        BOOST_ASSERT(pattern);  // config::parse refuses all other patterns
        out.push_back(*pattern);
    }
    return out;
}

std::uint64_t digest_of(const config::rule& rule) {
    base::digest digest;
    const keys::key_range range = config::selector_range(rule.select);
    for (const std::string* part : {&range.begin, &range.end, &rule.strip, &rule.dest}) digest.add(*part);
    for (const auto* patterns : {&rule.include, &rule.exclude}) {
        digest.add(patterns->size());
        for (const std::string& pattern : *patterns) digest.add(pattern);
    }
    digest.add(std::uint64_t{rule.replay_deletes});
    return digest.value();
}

bool is_glob(const keys::pattern& pattern) { return pattern.form() == keys::pattern::kind::glob; }

}  // namespace

compiled_rule::compiled_rule(const config::rule& rule, std::string_view prefix)
    : range(config::selector_range(rule.select)), include(compile(rule.include)), exclude(compile(rule.exclude)),
      keys(keys::canonical_mapping(rule.strip, std::string(prefix) + rule.dest)), name(rule.name),
      replays_deletes(rule.replay_deletes), digest(digest_of(rule)) {}

bool compiled_rule::takes(std::string_view key) const {
    const auto matches = [key](const keys::pattern& pattern) { return pattern.matches(key); };
    if (!range.contains(key)) return false;
    if (std::ranges::any_of(exclude, matches)) return false;
    return include.empty() || std::ranges::any_of(include, matches);
}

bool compiled_rule::takes_intervals() const { return include.empty() && std::ranges::none_of(exclude, is_glob); }

std::vector<keys::key_range> compiled_rule::holes() const {
    std::vector<keys::key_range> out;
    for (const keys::pattern& pattern : exclude) {
        if (!is_glob(pattern)) out.push_back(pattern.bounds());
    }
    return out;
}

std::vector<keys::key_range> compiled_rule::candidates() const {
    if (include.empty()) return keys::subtract_all(range, holes());
    std::vector<keys::key_range> out;
    for (const keys::pattern& pattern : include) {
        if (auto both = keys::intersect(range, pattern.bounds())) out.push_back(std::move(*both));
    }
    return out;
}

}  // namespace etcdsync::replication
