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

/// The changes that count.
rule_census counted_changes(rule_census rule, evidence of_master) {
    if (of_master == evidence::proven) rule.overwrites = 0;
    if (of_master == evidence::continuous) rule.overwrites = rule.unexplained;
    return rule;
}

/// The limit that the counted changes are above; empty: none.
std::string exceeded_limit(const rule_census& rule, const config::delete_limit& limit, evidence of_master) {
    const std::uint64_t changes = rule.removals + rule.overwrites;
    if (changes == 0) return {};
    const bool few_deletes = rule.overwrites == 0 && rule.removals <= allowed_deletes;
    const bool allowed = of_master != evidence::unproven && few_deletes;
    if (!allowed && is_above(limit, changes, rule.on_slave)) return "max_delete = " + limit_text(limit);
    if (of_master == evidence::continuous && rule.removals * 2 > rule.on_slave)
        return "half of them, the limit if the history of the master is not proven";
    return {};
}

}  // namespace

disposition disposition_of(const mapping& keys, std::size_t rule, const config::safety& safety,
                           const std::vector<span>& spans, std::string_view key, revision mod_revision) {
    if (!keys.replays_deletes(rule) || safety.prune == config::prune_mode::off) return disposition::kept;
    if (safety.prune == config::prune_mode::always) return disposition::remove;
    return is_foreign(spans, key, mod_revision) ? disposition::foreign : disposition::remove;
}

void census::note_overwrite(std::size_t rule, std::string_view key, bool explained) {
    ++rules[rule].overwrites;
    if (!explained) ++rules[rule].unexplained;
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

bool census::is_untouched() const {
    std::uint64_t ours = 0;
    for (const rule_census& rule : rules) ours += rule.on_slave;
    return expected && static_cast<std::uint64_t>(*expected) == ours - foreign - kept;
}

std::string guard_violation(const mapping& keys, const census& found, const guard_policy& guards, evidence of_master) {
    if (guards.approved) return {};
    // "always" is about keys that are only on the slave. It does not allow what an unproven master
    // would do.
    const bool free_deletes = guards.safety.prune == config::prune_mode::always || found.is_untouched();
    if (of_master == evidence::proven && free_deletes) return {};
    for (std::size_t i = 0; i < found.rules.size(); ++i) {
        const rule_census rule = counted_changes(found.rules[i], of_master);
        const std::string exceeded = exceeded_limit(rule, guards.safety.max_delete, of_master);
        if (exceeded.empty()) continue;
        return fmt::format("would {} of the {} keys of rule \"{}\", above {}: {}", planned_changes(rule), rule.on_slave,
                           base::printable(keys.name_of(i)), exceeded, listed(found.touched));
    }
    return {};
}

std::string listed(const std::vector<std::string>& keys) {
    std::string out;
    for (const std::string& key : keys) out += (out.empty() ? "" : ", ") + base::printable(key);
    return out;
}

}  // namespace etcdsync::replication
