// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/segments.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

using keys::key_range;

/// True if the end `a` (empty: the end of all keys) lies before `b`.
bool ends_before(const std::string& a, const std::string& b) {
    if (a.empty()) return false;
    return b.empty() || a < b;
}

void add_segments(std::vector<segment>& to, const compiled_rule& rule, std::vector<key_range> holes,
                  const key_range& checkpoints) {
    for (key_range& excluded : rule.holes()) holes.push_back(std::move(excluded));
    for (const key_range& kept : keys::subtract_all(rule.range, std::move(holes))) {
        for (const key_range& source : keys::subtract(kept, checkpoints)) {
            const auto target = keys::map_range(source, rule.keys.strip, rule.keys.dest);
            BOOST_ASSERT(target);  // config::parse checks that strip is a prefix of every key
            // The checkpoint prefix is a hole on the slave, too: cut it out there and map the rest
            // back.
            const key_range no_key{"", std::string(1, '\0')};  // keys that map to the empty key are skipped
            for (const key_range& part : keys::subtract_all(*target, {checkpoints, no_key})) {
                const auto back = keys::map_range(part, rule.keys.dest, rule.keys.strip);
                BOOST_ASSERT(back);
                const auto inside = keys::intersect(*back, source);
                if (inside) to.push_back({*inside, part, rule.keys});
            }
        }
    }
}

/// Joins segments that touch or overlap. `all` is in the order of the targets.
std::vector<segment> merged(std::vector<segment> all) {
    std::vector<segment> out;
    for (segment& next : all) {
        // Targets can meet only if their mappings are equal: config::parse refuses all others.
        const bool meets = !out.empty() && out.back().keys == next.keys &&
                           (out.back().target.end.empty() || next.target.begin <= out.back().target.end);
        if (!meets) {
            out.push_back(std::move(next));
            continue;
        }
        segment& last = out.back();
        if (ends_before(last.target.end, next.target.end)) last.target.end = next.target.end;
        if (ends_before(last.source.end, next.source.end)) last.source.end = next.source.end;
    }
    return out;
}

}  // namespace

std::vector<segment> segments_of(const rule_table& rules, std::optional<std::size_t> only) {
    std::vector<segment> all;
    if (only) {
        add_segments(all, rules[*only], rules.taken_before(*only), rules.checkpoints());
    } else {
        for (const compiled_rule& rule : rules) add_segments(all, rule, {}, rules.checkpoints());
    }
    std::ranges::sort(all, {}, [](const segment& one) -> const std::string& { return one.target.begin; });
    return merged(std::move(all));
}

}  // namespace etcdsync::replication
