// SPDX-License-Identifier: Apache-2.0
#include "replication/record/spans.hpp"

#include "base/random.hpp"
#include "replication/record/migration.hpp"
#include "support/count_allocations.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

std::string key(std::size_t i) { return std::string(1, static_cast<char>('a' + i)); }

/// Up to eight spans with borders from "a" to "j", some of them open, some empty.
std::vector<span> random_spans(base::random_source& random) {
    std::vector<span> out(random.next() % 8);
    for (span& each : out) {
        each.keys.begin = key(random.next() % 10);
        if (random.next() % 5 > 0) each.keys.end = key(random.next() % 10);
        each.since = static_cast<revision>(random.next() % 4);
    }
    return out;
}

/// The highest `since` among the spans with the key.
std::optional<revision> youngest(const std::vector<span>& spans, std::string_view key) {
    std::optional<revision> out;
    for (const span& each : spans) {
        if (!each.keys.empty() && each.keys.contains(key)) out = std::max(out.value_or(0), each.since);
    }
    return out;
}

void check_disjoint(const std::vector<span>& spans) {
    for (std::size_t i = 0; i < spans.size(); ++i) {
        CHECK_FALSE(spans[i].keys.empty());
        if (i > 0) CHECK(spans[i - 1].keys.end <= spans[i].keys.begin);
        if (i > 0) CHECK_FALSE(spans[i - 1].keys.end.empty());
    }
}

/// Rules with names too long for the strings' own buffers, so that each copy of one is an allocation.
std::vector<config::rule> many_rules(std::size_t count) {
    std::vector<config::rule> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(prefix_rule(fmt::format("/a/prefix/of/some/length/{:06}/", i)));
    return out;
}

record_set records_of(const std::vector<config::rule>& rules, config::consistency_mode mode) {
    record_set out(checkpoints, "it", mode);
    if (!out.is_per_rule()) out.add(all_mode_keys(checkpoints, "it"), mapping_of(rules));
    for (std::size_t i = 0; out.is_per_rule() && i < rules.size(); ++i) {
        out.add(rule_keys(checkpoints, "it", rules[i].select.begin), mapping_of_one(rules, i));
    }
    return out;
}

/// Allocations of the plan of a migration of so many rules.
std::size_t cost_of_migration(std::size_t rules, config::consistency_mode from, config::consistency_mode to) {
    const std::vector<config::rule> all = many_rules(rules);
    found_records found;
    revision since = 0;
    const record_set before_it = records_of(all, from);
    for (const wanted_record& one : before_it.wanted()) {
        checkpoint record;
        record.rev = 100;
        record.rules = one.keys.digest();
        record.spans = spans_for(one.keys, {}, ++since);
        found.records.push_back({one.at, encode(record)});
    }
    const record_set wanted = records_of(all, to);
    const std::size_t before = test::allocations;
    const migration plan = plan_migration(found, wanted);
    const std::size_t after = test::allocations;
    CHECK(plan.steps.size() == (from == to ? 0 : rules + 1));
    return after - before;
}

}  // namespace

TEST_CASE("spans are merged into disjoint ones; a key keeps the highest `since` of all spans with it") {
    base::random_source random(7);
    for (int round = 0; round < 2'000; ++round) {
        const std::vector<span> spans = random_spans(random);
        const std::vector<span> merged = merge_spans(spans);
        check_disjoint(merged);
        for (std::size_t i = 0; i < 11; ++i) CHECK(youngest(merged, key(i)) == youngest(spans, key(i)));
        for (std::size_t i = 1; i < merged.size(); ++i) {
            const bool one_span =
                merged[i - 1].keys.end == merged[i].keys.begin && merged[i - 1].since == merged[i].since;
            CHECK_FALSE(one_span);
        }
    }
}

TEST_CASE("new spans keep the `since` of old ones, whatever these look like, and the rest is new") {
    base::random_source random(8);
    constexpr revision now = 77;
    for (int round = 0; round < 2'000; ++round) {
        const std::vector<span> old = random_spans(random);
        std::vector<config::rule> rules;
        if (random.next() % 2 > 0) rules.push_back(range_rule("a", key(1 + random.next() % 4)));
        rules.push_back(range_rule("f", random.next() % 2 > 0 ? std::string() : key(6 + random.next() % 4)));
        const mapping keys = mapping_of(rules);
        const std::vector<span> spans = spans_for(keys, old, now);
        check_disjoint(spans);
        std::string unused;
        for (std::size_t i = 0; i < 11; ++i) {
            std::optional<revision> expected;
            if (keys.to_slave(key(i), unused)) expected = youngest(old, key(i)).value_or(now);
            CHECK(youngest(spans, key(i)) == expected);
        }
    }
}

TEST_CASE("what planning a migration takes grows with the number of rules, not with its square") {
    using enum config::consistency_mode;
    for (const auto& [from, to] : {std::pair(all, rule), std::pair(rule, all), std::pair(rule, rule)}) {
        const std::size_t few = cost_of_migration(30, from, to);
        const std::size_t many = cost_of_migration(240, from, to);
        CHECK_MESSAGE(many < 10 * few, few << " allocations with 30 rules, " << many << " with 240");
    }
}

TEST_CASE("what the spans of many rules take grows with their number, not with its square") {
    const auto cost = [](std::size_t rules) {
        const mapping keys = mapping_of(many_rules(rules));
        const std::vector<span> old = spans_for(keys, {}, 5);
        const std::size_t before = test::allocations;
        const std::vector<span> spans = spans_for(keys, old, 9);
        const std::size_t after = test::allocations;
        CHECK(spans.size() == rules);
        CHECK(spans.back().since == 5);
        return after - before;
    };
    CHECK(cost(400) < 10 * cost(50));
}
