// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "config/read/draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace etcdsync::config {
namespace {

using rule_index = std::map<std::string_view, std::size_t>;

std::string shown(std::string_view name) { return base::printable(name); }

rule_index index_names(const draft& checked, complaints& out) {
    rule_index index;
    for (std::size_t i = 0; i < checked.rules.size(); ++i) {
        const std::string& name = checked.value.rules[i].name;
        if (name.empty()) continue;
        const auto [first, added] = index.emplace(name, i);
        if (added) continue;
        const rule_notes& notes = checked.rules[i];
        out.error(notes.name.given ? notes.name.at : notes.select.at,
                  fmt::format("two rules are named \"{}\"", shown(name)),
                  fmt::format("the other one is on line {}{}", checked.rules[first->second].at.line,
                              notes.name.given ? "" : "; write name = \"...\""));
    }
    return index;
}

std::string nearest_rule(std::string_view name, const rule_index& index) {
    std::vector<std::string_view> names;
    for (const auto& [known, position] : index) names.push_back(known);
    return did_you_mean(name, names);
}

void look_up(const slave_notes& notes, slave& into, const rule_index& index, bool all_known, complaints& out) {
    for (const rule_use& use : notes.uses) {
        const auto found = index.find(use.name);
        if (found == index.end()) {
            // The name may be that of a rule whose own name is invalid; that error was reported
            // already.
            if (all_known)
                out.error(use.at, fmt::format("no rule is named \"{}\"", shown(use.name)),
                          nearest_rule(use.name, index));
            continue;
        }
        if (std::ranges::find(into.rules, found->second) != into.rules.end()) {
            out.error(use.at, fmt::format("rule \"{}\" is listed twice", shown(use.name)), "remove one");
            continue;
        }
        into.rules.push_back(found->second);
    }
    std::ranges::sort(into.rules);
}

void warn_of_unused(const draft& checked, complaints& out) {
    for (std::size_t i = 0; i < checked.rules.size(); ++i) {
        const auto takes = [&](const slave& s) { return std::ranges::binary_search(s.rules, i); };
        if (std::ranges::any_of(checked.value.slaves, takes)) continue;
        out.warning(checked.rules[i].at, fmt::format("no slave takes {}", checked.rules[i].label), "");
    }
}

}  // namespace

void resolve_rules(draft& checked, complaints& out) {
    const rule_index index = index_names(checked, out);
    bool all_resolved = !checked.slaves.empty();
    for (std::size_t i = 0; i < checked.slaves.size(); ++i) {
        const slave_notes& notes = checked.slaves[i];
        slave& into = checked.value.slaves[i];
        if (!notes.rules.good) {
            all_resolved = false;
        } else if (notes.rules.given) {
            look_up(notes, into, index, checked.rules_are_known, out);
            all_resolved = all_resolved && into.rules.size() == notes.uses.size();
        } else {
            into.rules.resize(checked.rules.size());
            std::iota(into.rules.begin(), into.rules.end(), std::size_t{0});
        }
    }
    if (all_resolved) warn_of_unused(checked, out);
}

}  // namespace etcdsync::config
