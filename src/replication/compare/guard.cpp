// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/guard.hpp"

#include "base/escape.hpp"
#include "replication/record/spans.hpp"

#include <fmt/format.h>

namespace etcdsync::replication {
namespace {

constexpr std::size_t sample_size = 5;
constexpr std::uint64_t allowed_deletes = 100;  ///< deletes, if the master is proven to have the known history

void add_to_sample(std::vector<std::string>& sample, std::string_view key) {
    if (sample.size() < sample_size) sample.emplace_back(key);
}

bool is_above(const config::delete_limit& limit, std::uint64_t changes, std::uint64_t of) {
    return limit.is_share ? changes * 100 > limit.amount * of : changes > limit.amount;
}

std::string limit_text(const config::delete_limit& limit) {
    return fmt::format("{}{}", limit.amount, limit.is_share ? "%" : " keys");
}

std::string planned_changes(const rule_census& rule) {
    if (rule.overwrites == 0) return fmt::format("delete {}", rule.removals);
    if (rule.removals == 0) return fmt::format("overwrite {}", rule.overwrites);
    return fmt::format("delete {} and overwrite {}", rule.removals, rule.overwrites);
}

}  // namespace

disposition disposition_of(const mapping& keys, std::size_t rule, const config::safety& safety,
                           const std::vector<span>& spans, std::string_view key, revision mod_revision) {
    if (!keys.replays_deletes(rule) || safety.prune == config::prune_mode::off) return disposition::kept;
    if (safety.prune == config::prune_mode::always) return disposition::remove;
    return is_foreign(spans, key, mod_revision) ? disposition::foreign : disposition::remove;
}

void census::note_overwrite(std::size_t rule, std::string_view key) {
    ++rules[rule].overwrites;
    add_to_sample(touched, key);
}

void census::note_slave_only(std::size_t rule, disposition what, std::string_view key) {
    switch (what) {
        case disposition::remove:
            ++rules[rule].removals;
            add_to_sample(touched, key);
            break;
        case disposition::foreign:
            ++foreign;
            add_to_sample(foreign_keys, key);
            break;
        case disposition::kept: ++kept; break;
    }
}

std::uint64_t census::removals() const {
    std::uint64_t sum = 0;
    for (const rule_census& rule : rules) sum += rule.removals;
    return sum;
}

std::string guard_violation(const mapping& keys, const census& found, const guard_policy& guards, bool proven) {
    if (guards.approved) return {};
    // "always" is about keys that are only on the slave. It does not allow what an unproven master
    // would do.
    if (proven && guards.safety.prune == config::prune_mode::always) return {};
    for (std::size_t i = 0; i < found.rules.size(); ++i) {
        rule_census rule = found.rules[i];
        if (proven) rule.overwrites = 0;
        const std::uint64_t changes = rule.removals + rule.overwrites;
        if (changes == 0 || (proven && changes <= allowed_deletes)) continue;
        if (!is_above(guards.safety.max_delete, changes, rule.on_slave)) continue;
        return fmt::format("would {} of the {} keys of rule \"{}\", above max_delete = {}: {}", planned_changes(rule),
                           rule.on_slave, base::printable(keys.name_of(i)), limit_text(guards.safety.max_delete),
                           listed(found.touched));
    }
    return {};
}

std::string listed(const std::vector<std::string>& keys) {
    std::string out;
    for (const std::string& key : keys) out += (out.empty() ? "" : ", ") + base::printable(key);
    return out;
}

}  // namespace etcdsync::replication
