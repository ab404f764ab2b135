// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/rule_table.hpp"

#include "base/random.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

config::rule with(config::rule rule, std::vector<std::string> include, std::vector<std::string> exclude) {
    rule.include = std::move(include);
    rule.exclude = std::move(exclude);
    return rule;
}

std::optional<std::size_t> first_that_takes(const rule_table& rules, std::string_view key) {
    if (rules.checkpoints().contains(key)) return std::nullopt;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].takes(key)) return i;
    }
    return std::nullopt;
}

config::rule some_rule(base::random_source& random) {
    const auto one_of = [&random](std::vector<std::string> all) { return all[random.next() % all.size()]; };
    config::rule out = prefix_rule(one_of({"", "/a", "/a/", "/a/b", "/b/", "/.etcd-sync/"}));
    if (random.next() % 4 == 0) out = range_rule(one_of({"/a", "/a/a"}), one_of({"/a/c", "/b", ""}));
    const auto patterns = [&] {
        std::vector<std::string> all;
        for (std::uint64_t i = random.next() % 3; i > 0; --i)
            all.push_back(one_of({"/a/b", "/a/", "/a/*", "/a/b*", "/**", "/b/", "/b/c", "*c"}));
        return all;
    };
    return with(std::move(out), patterns(), patterns());
}

}  // namespace

TEST_CASE("a key belongs to the first rule that takes it, whatever the rules are") {
    base::random_source random(1);
    for (int round = 0; round < 400; ++round) {
        std::vector<config::rule> rules;
        for (std::uint64_t i = 1 + random.next() % 6; i > 0; --i) rules.push_back(some_rule(random));
        const rule_table table(rules, "", checkpoints);
        for (const char* const key : {"", "/", "/a", "/a/", "/a/b", "/a/bc", "/a/c", "/a/b/c", "/b", "/b/", "/b/c", "c",
                                      "/.etcd-sync/x", "\xff"}) {
            CAPTURE(key);
            CHECK(table.rule_of(key) == first_that_takes(table, key));
        }
    }
}

TEST_CASE("only the rules that may take a key are asked for it") {
    std::vector<config::rule> rules;
    for (int i = 0; i < 1'000; ++i) rules.push_back(prefix_rule(fmt::format("/{:04}/", i)));
    for (int i = 0; i < 1'000; ++i)
        rules.push_back(with(prefix_rule("/globs/"), {fmt::format("/globs/{:04}/*", i)}, {"*.bak"}));
    rules.push_back(prefix_rule("/"));
    const rule_table table(rules, "", checkpoints);
    CHECK(table.rule_of("/0000/key") == 0);
    CHECK(table.rule_of("/0999/key") == 999);
    CHECK(table.rule_of("/globs/0500/key") == 1'500);
    CHECK(table.rule_of("/globs/0500/key.bak") == 1'500);
    CHECK(table.rule_of("/globs/0500/deep/key") == 2'000);
    CHECK(table.rule_of("/1000/key") == 2'000);
}

TEST_CASE("what earlier rules take as a whole is taken before") {
    const rule_table table({prefix_rule("/a/x/"), with(prefix_rule("/a/y/"), {"/a/y/*"}, {}),
                            range_rule("/a/b", "/a/d"), with(prefix_rule("/a/"), {}, {"/a/z/"}), prefix_rule("/")},
                           "", checkpoints);
    CHECK(table.taken_before(0).empty());
    CHECK(table.taken_before(3) == std::vector<keys::key_range>{{"/a/b", "/a/d"}, keys::prefix_range("/a/x/")});
    std::vector<keys::key_range> left = keys::subtract_all(keys::prefix_range("/"), table.taken_before(4));
    CHECK(left == std::vector<keys::key_range>{{"/", "/a/"}, keys::prefix_range("/a/z/"), {"/a0", "0"}});
}
