// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "config/read/draft.hpp"
#include "config/selector_range.hpp"
#include "keys/key_range.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace etcdsync::config {
namespace {

/// The interval that one rule writes on one slave.
struct span {
    std::size_t rule;
    keys::key_range keys;
    keys::mapping map;
};

using rule_pair = std::pair<std::size_t, std::size_t>;

std::string shown(const std::string& key) { return base::printable(key, 60); }

std::string shown(const keys::key_range& keys) {
    return fmt::format("[\"{}\", {})", shown(keys.begin),
                       keys.end.empty() ? "..." : fmt::format("\"{}\"", shown(keys.end)));
}

span span_of(const draft& checked, const slave& on, std::size_t index) {
    const rule& r = checked.value.rules[index];
    const std::string dest = on.dest + r.dest;
    // check_slave() skips rules with an invalid strip, so there is a range.
    return {index, *keys::map_range(selector_range(r.select), r.strip, dest), keys::canonical_mapping(r.strip, dest)};
}

place place_of_mapping(const rule_notes& notes) { return notes.dest.given ? notes.dest.at : notes.select.at; }

class span_check {
public:
    span_check(const draft& checked, complaints& out) : checked_(checked), out_(out) {
        checkpoints_ = keys::prefix_range(checked.value.replicate.checkpoint_prefix);
    }

    void check_selectors() {
        if (!checked_.checkpoint_prefix.good) return;
        for (std::size_t i = 0; i < checked_.rules.size(); ++i) {
            const rule_notes& notes = checked_.rules[i];
            if (!notes.select.given || !notes.select.good) continue;
            if (!checkpoints_.contains(selector_range(checked_.value.rules[i].select))) continue;
            out_.error(notes.select.at,
                       fmt::format("{} is entirely inside checkpoint_prefix \"{}\"", notes.label, prefix()),
                       "keys under it are never copied");
            reported_.insert({i, i});
        }
    }

    void check_slave(const slave& on, const slave_notes& notes) {
        if (!notes.dest.good || !notes.rules.good) return;
        std::vector<span> spans;
        for (const std::size_t i : on.rules) {
            if (!checked_.rules[i].maps()) continue;
            spans.push_back(span_of(checked_, on, i));
            check_target(spans.back(), notes);
        }
        std::ranges::stable_sort(spans, {}, [](const span& s) -> const std::string& { return s.keys.begin; });
        for (std::size_t i = 0; i < spans.size(); ++i) check_overlaps(spans, i, notes);
    }

private:
    [[nodiscard]] std::string prefix() const { return shown(checked_.value.replicate.checkpoint_prefix); }

    /// Refuses a rule of one key that maps it to the empty key, and a span without a key that may
    /// be written.
    void check_target(const span& one, const slave_notes& notes) {
        const rule_notes& of = checked_.rules[one.rule];
        if (reported_.contains({one.rule, one.rule})) return;
        const bool single = checked_.value.rules[one.rule].select.form == selector::kind::key;
        if (single && one.keys.begin.empty()) {
            out_.error(place_of_mapping(of),
                       fmt::format("{} maps its key to the empty key on {}", of.label, notes.label),
                       "write another dest or strip");
        } else if (checked_.checkpoint_prefix.good && checkpoints_.contains(one.keys)) {
            out_.error(place_of_mapping(of),
                       fmt::format("{} would write only inside checkpoint_prefix \"{}\" on {}", of.label, prefix(),
                                   notes.label),
                       "write another dest");
        } else {
            return;
        }
        reported_.insert({one.rule, one.rule});
    }

    /// `spans` are sorted by begin: those that overlap spans[i] and start later follow it directly.
    void check_overlaps(const std::vector<span>& spans, std::size_t i, const slave_notes& notes) {
        for (std::size_t j = i + 1; j < spans.size() && spans[i].keys.contains(spans[j].keys.begin); ++j) {
            if (spans[i].map == spans[j].map) continue;  // each key maps to one key: the spans merge
            const rule_pair pair = std::minmax(spans[i].rule, spans[j].rule);
            if (reported_.insert(pair).second) complain(pair, *keys::intersect(spans[i].keys, spans[j].keys), notes);
        }
    }

    void complain(rule_pair pair, const keys::key_range& both, const slave_notes& notes) {
        const rule_notes& second = checked_.rules[pair.second];
        const rule_notes& first = checked_.rules[pair.first];
        out_.error(
            place_of_mapping(second),
            fmt::format("{} and {} both write {} on {}", first.label, second.label, shown(both), notes.label),
            fmt::format("the other one is on line {}; change a dest so that they do not overlap", first.at.line));
    }

    const draft& checked_;
    complaints& out_;
    keys::key_range checkpoints_;
    std::set<rule_pair> reported_;  ///< pairs that were reported; (i, i) for errors of rule i alone
};

}  // namespace

void check_spans(const draft& checked, complaints& out) {
    span_check check(checked, out);
    check.check_selectors();
    for (std::size_t i = 0; i < checked.slaves.size(); ++i)
        check.check_slave(checked.value.slaves[i], checked.slaves[i]);
}

}  // namespace etcdsync::config
