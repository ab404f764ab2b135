// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/mapping.hpp"

#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;
using keys::key_range;

namespace {

/// All strings over `alphabet` of at most `most` bytes.
std::vector<std::string> all_strings(std::string_view alphabet, std::size_t most) {
    std::vector<std::string> all{""};
    for (std::size_t from = 0, length = 1; length <= most; ++length) {
        const std::size_t to = all.size();
        for (; from < to; ++from) {
            for (const char c : alphabet) all.push_back(all[from] + c);
        }
    }
    return all;
}

config::rule with(config::rule rule, std::vector<std::string> include, std::vector<std::string> exclude) {
    rule.include = std::move(include);
    rule.exclude = std::move(exclude);
    return rule;
}

bool overlap(const key_range& a, const key_range& b) { return keys::intersect(a, b).has_value(); }

/// Checks the invariants of a mapping for all keys of `universe`.
void check_invariants(const mapping& keys, const std::vector<std::string>& universe) {
    std::map<std::string, std::string> origin;
    std::string out;
    for (const std::string& key : universe) {
        if (key.empty() || !keys.to_slave(key, out)) continue;
        CAPTURE(key);
        const std::string target = out;
        CHECK(keys.cover().contains(key));
        const auto other = origin.emplace(target, key);
        CHECK_MESSAGE(other.second, "two keys of the master map to one of the slave");
        // Exactly one segment contains it, on both sides, and maps it in both directions.
        int found = 0;
        for (const segment& part : keys.segments()) {
            if (!part.target.contains(target)) continue;
            ++found;
            CHECK(part.source.contains(key));
            CHECK(keys.to_slave(part, key, out));
            CHECK(out == target);
            CHECK(keys.to_master(part, target, out));
            CHECK(out == key);
        }
        CHECK(found == 1);
    }
    for (const segment& part : keys.segments()) {
        for (const segment& other : keys.segments()) {
            if (&part != &other) CHECK_FALSE(overlap(part.target, other.target));
        }
        for (const std::string& key : universe) {
            // Every selected key of the slave is the mapped key of a key of the master.
            if (part.target.contains(key) && keys.to_master(part, key, out)) {
                const std::string source = out;
                CHECK(keys.to_slave(source, out));
                CHECK(out == key);
            }
            // A segment maps keys only to its target.
            if (part.source.contains(key) && keys.to_slave(part, key, out)) CHECK(part.target.contains(out));
        }
    }
    CHECK(std::is_sorted(keys.segments().begin(), keys.segments().end(),
                         [](const segment& a, const segment& b) { return a.target.begin < b.target.begin; }));
}

const std::string nul(1, '\0');

}  // namespace

TEST_CASE("a prefix selects its keys and no neighboring ones") {
    const mapping keys = mapping_of({prefix_rule("/a/")});
    CHECK(slave_key(keys, "/a/x") == "/a/x");
    CHECK(slave_key(keys, "/a/") == "/a/");
    CHECK(slave_key(keys, "/a/" + nul) == "/a/" + nul);
    CHECK(slave_key(keys, "/a/\xff\xff") == "/a/\xff\xff");
    for (const char* neighbor : {"/a", "/a.", "/a0", "/A/x", "/b", "a/", "/aa/x"})
        CHECK(slave_key(keys, neighbor) == "-");
}

TEST_CASE("a key rule selects neither longer keys nor the key directly before") {
    const mapping keys = mapping_of({key_rule("k")});
    CHECK(slave_key(keys, "k") == "k");
    CHECK(slave_key(keys, "k" + nul) == "-");
    CHECK(slave_key(keys, "kk") == "-");
    CHECK(slave_key(keys, "j\xff") == "-");
}

TEST_CASE("a range includes its first key and excludes its end; an open range includes all later keys") {
    const mapping keys = mapping_of({range_rule("b", "d")});
    CHECK(slave_key(keys, "b") == "b");
    CHECK(slave_key(keys, "c\xff") == "c\xff");
    CHECK(slave_key(keys, "d") == "-");
    CHECK(slave_key(keys, "a\xff") == "-");
    const mapping open = mapping_of({range_rule("b", "")});
    CHECK(slave_key(open, "\xff\xff\xff") == "\xff\xff\xff");
    CHECK(slave_key(open, "a") == "-");
}

TEST_CASE("strip is removed, then dest and the prefix of the slave are prepended") {
    CHECK(slave_key(mapping_of({prefix_rule("/a/b/", "/a/")}), "/a/b/c") == "b/c");
    CHECK(slave_key(mapping_of({prefix_rule("/a/b/", "/a/", "/x/")}), "/a/b/c") == "/x/b/c");
    CHECK(slave_key(mapping_of({prefix_rule("/a/b/", "/a/b/", "/x/")}, "/site1"), "/a/b/c") == "/site1/x/c");
    CHECK(slave_key(mapping_of({prefix_rule("/a/")}, "/site1"), "/a/c") == "/site1/a/c");
}

TEST_CASE("a key that would map to the empty key is not mapped") {
    const mapping keys = mapping_of({prefix_rule("/a/", "/a/")});
    CHECK(slave_key(keys, "/a/") == "-");
    CHECK(slave_key(keys, "/a/x") == "x");
}

TEST_CASE("no key is mapped from or to the checkpoint prefix") {
    const mapping all = mapping_of({prefix_rule("")});
    CHECK(slave_key(all, "/.etcd-sync/it") == "-");
    CHECK(slave_key(all, "/.etcd-sync") == "/.etcd-sync");
    const mapping into = mapping_of({prefix_rule("/a/", "/a/", "/")});
    CHECK(slave_key(into, "/a/.etcd-sync/it") == "-");
    CHECK(slave_key(into, "/a/.etcd-sync") == "/.etcd-sync");
    for (const mapping* keys : {&all, &into}) {
        for (const segment& part : keys->segments()) CHECK_FALSE(overlap(part.target, keys::prefix_range(checkpoints)));
    }
    CHECK(all.segments().size() == 2);
    CHECK(into.segments().size() == 2);
}

TEST_CASE("a key belongs to the first rule that selects it") {
    const mapping keys = mapping_of({prefix_rule("/a/b/", "/a/b/", "/x/"), prefix_rule("/a/", "/a/", "/y/")});
    CHECK(slave_key(keys, "/a/b/c") == "/x/c");
    CHECK(slave_key(keys, "/a/c") == "/y/c");
    CHECK(keys.rule_of("/a/b/c") == 0);
    CHECK(keys.rule_of("/a/c") == 1);
    CHECK_FALSE(keys.rule_of("/c").has_value());
}

TEST_CASE("include and exclude apply within a rule, and a later rule may select the excluded keys") {
    const mapping keys = mapping_of(
        {with(prefix_rule("/a/", "/a/", "/x/"), {"/a/*.conf"}, {"/a/secret.conf"}), prefix_rule("/a/", "/a/", "/y/")});
    CHECK(slave_key(keys, "/a/b.conf") == "/x/b.conf");
    CHECK(slave_key(keys, "/a/secret.conf") == "/y/secret.conf");
    CHECK(slave_key(keys, "/a/other") == "/y/other");
}

TEST_CASE("an excluded prefix and an excluded key are holes in the segments") {
    const mapping keys = mapping_of({with(prefix_rule("/a/"), {}, {"/a/b/", "/a/k"})});
    for (const segment& part : keys.segments()) {
        CHECK_FALSE(overlap(part.source, keys::prefix_range("/a/b/")));
        CHECK_FALSE(part.source.contains("/a/k"));
        CHECK_FALSE(part.target.contains("/a/k"));
    }
    CHECK(slave_key(keys, "/a/b/c") == "-");
    CHECK(slave_key(keys, "/a/k") == "-");
    CHECK(slave_key(keys, "/a/k2") == "/a/k2");
}

TEST_CASE("adjacent or overlapping rules with the same mapping become one segment") {
    const mapping keys = mapping_of({prefix_rule("/a/"), range_rule("/a/x", "/c"), range_rule("/c", "/d")});
    REQUIRE(keys.segments().size() == 1);
    CHECK(keys.segments()[0].source == key_range{"/a/", "/d"});
    CHECK(keys.segments()[0].target == key_range{"/a/", "/d"});
    CHECK(keys.cover() == key_range{"/a/", "/d"});
}

TEST_CASE("equal mappings are recognized even if written differently: /a/ to /b/ equals /a to /b") {
    const mapping keys = mapping_of({range_rule("/a/", "/a/k", "/a/", "/b/"), range_rule("/a/k", "/a0", "/a", "/b")});
    CHECK(keys.segments().size() == 1);
}

TEST_CASE("a prefix of 0xff bytes extends to the last key") {
    const mapping keys = mapping_of({prefix_rule("\xff\xff", "\xff", "t")});
    CHECK(slave_key(keys, "\xff\xff") == "t\xff");
    CHECK(slave_key(keys, "\xff\xff\xff\x01") == "t\xff\xff\x01");
    CHECK(slave_key(keys, "\xff\xfe") == "-");
    CHECK(keys.cover().end.empty());
    REQUIRE(keys.segments().size() == 1);
    CHECK(keys.segments()[0].target == key_range{"t\xff", "u"});
}

TEST_CASE("the cover is the smallest interval that contains all rules") {
    CHECK(mapping_of({prefix_rule("/m/"), key_rule("/a"), range_rule("/x", "/z")}).cover() == key_range{"/a", "/z"});
    CHECK(mapping_of({range_rule("/x", ""), prefix_rule("/a/")}).cover() == key_range{"/a/", ""});
}

TEST_CASE("mapping is reversible, targets are disjoint and sorted, for all keys of corner bytes") {
    const auto universe = all_strings(std::string_view("\0a/\xff", 4), 4);
    check_invariants(mapping_of({prefix_rule("")}), universe);
    check_invariants(mapping_of({prefix_rule("a")}), universe);
    check_invariants(mapping_of({prefix_rule("a", "a")}), universe);
    check_invariants(mapping_of({prefix_rule("\xff", "\xff", "")}), universe);
    check_invariants(mapping_of({prefix_rule("\xff", "", "\xff")}), universe);
    check_invariants(mapping_of({prefix_rule(nul, nul, "a")}), universe);
    check_invariants(mapping_of({key_rule("a", "a", "")}), universe);
    check_invariants(mapping_of({key_rule("a/", "a", "")}), universe);
    check_invariants(mapping_of({range_rule("a", "a\xff", "a", "/")}), universe);
    check_invariants(mapping_of({range_rule("a" + nul, "a/", "a", "")}), universe);
    check_invariants(mapping_of({with(prefix_rule("a", "a", "/"), {}, {"aa", "a/"})}), universe);
    check_invariants(mapping_of({with(prefix_rule("a", "a", "/"), {"a*"}, {"a?a"})}), universe);
    check_invariants(mapping_of({prefix_rule("aa", "aa", "/"), prefix_rule("a", "a", "\xff")}), universe);
    check_invariants(
        mapping_of({key_rule("aa", "a", "/"), prefix_rule("a/", "a/", "a"), range_rule("/", "0", "/", "\xff")}),
        universe);
}

namespace {

/// Compares the mappings of the single rules with the mapping of all rules.
void check_single_rules(const std::vector<config::rule>& rules, const std::vector<std::string>& universe,
                        bool disjoint) {
    const mapping whole = mapping_of(rules, "");
    std::vector<mapping> shares;
    for (std::size_t i = 0; i < rules.size(); ++i) shares.push_back(mapping_of_one(rules, i));
    std::string out;
    for (const std::string& key : universe) {
        if (key.empty()) continue;
        CAPTURE(key);
        const auto owner = whole.rule_of(key);
        for (std::size_t i = 0; i < shares.size(); ++i) {
            CAPTURE(i);
            CHECK(shares[i].rule_of(key) == (owner == i ? owner : std::nullopt));
            CHECK(slave_key(shares[i], key) == (owner == i ? slave_key(whole, key) : "-"));
        }
        int claimed = 0;
        for (const mapping& share : shares) {
            for (const segment& part : share.segments())
                claimed += part.target.contains(key) && share.to_master(part, key, out) ? 1 : 0;
        }
        int owned = 0;
        for (const segment& part : whole.segments())
            owned += part.target.contains(key) && whole.to_master(part, key, out) ? 1 : 0;
        CHECK(claimed == owned);
    }
    for (const mapping& share : shares) {
        check_invariants(share, universe);
        for (const mapping& other : shares) {
            if (&share == &other || !disjoint) continue;
            for (const segment& a : share.segments()) {
                for (const segment& b : other.segments()) CHECK_FALSE(overlap(a.target, b.target));
            }
        }
    }
}

}  // namespace

TEST_CASE("if all rules together map a key, exactly one single rule maps it, and to the same key") {
    const auto universe = all_strings(std::string_view("\0a/\xff", 4), 4);
    check_single_rules({prefix_rule("")}, universe, true);
    check_single_rules({prefix_rule("a"), prefix_rule("/")}, universe, true);
    check_single_rules({prefix_rule("aa"), prefix_rule("a"), prefix_rule("")}, universe, true);
    check_single_rules({prefix_rule("a"), prefix_rule("aa")}, universe, true);
    check_single_rules({key_rule("aa"), range_rule("a", "aaa"), prefix_rule("a")}, universe, true);
    check_single_rules({prefix_rule("aa", "aa", "/"), prefix_rule("a", "a", "\xff")}, universe, true);
    check_single_rules({prefix_rule("\xff", "\xff", "a"), range_rule(nul, "a"), key_rule("/")}, universe, true);
    check_single_rules({with(prefix_rule("a"), {}, {"aa", "a/"}), prefix_rule("a")}, universe, true);
    // Patterns that select single keys: two rules have interleaved keys.
    check_single_rules({with(prefix_rule("a"), {"a*a"}, {}), prefix_rule("a")}, universe, false);
    check_single_rules({with(prefix_rule("a"), {}, {"a?"}), prefix_rule("a")}, universe, false);
    check_single_rules(
        {with(prefix_rule("a"), {"a*a", "a/"}, {"a?a"}), with(prefix_rule(""), {"*/*"}, {}), prefix_rule("")}, universe,
        false);
}

TEST_CASE("the digest of the mapping of one rule depends on the keys of that rule, not on other rules") {
    const auto digest = [](const std::vector<config::rule>& rules, std::size_t only) {
        return mapping_of_one(rules, only).digest();
    };
    const config::rule a = prefix_rule("/a/");
    const config::rule b = prefix_rule("/b/");
    const config::rule part = prefix_rule("/a/x/");
    CHECK(digest({a, b}, 0) == digest({a}, 0));
    CHECK(digest({a, b}, 1) == digest({b}, 0));
    CHECK(digest({a, b}, 0) == digest({b, a}, 1));
    CHECK(digest({part, a}, 1) != digest({a, part}, 0));
    CHECK(digest({a}, 0) == mapping_of({a}).digest());
    // The remaining keys of a rule differ from both rules together.
    CHECK(digest({part, a}, 1) != mapping_of({part, a}).digest());
}

TEST_CASE("the mapping of one rule covers its range only") {
    const std::vector<config::rule> rules{prefix_rule("/a/"), prefix_rule("/b/"), prefix_rule("/c/")};
    CHECK(mapping_of_one(rules, 1).cover() == keys::prefix_range("/b/"));
    CHECK(mapping_of_one(rules, 1, "/s").segments().size() == 1);
}

TEST_CASE("the order of keys is preserved inside a segment") {
    const auto universe = all_strings(std::string_view("\0a\xff", 3), 4);
    const mapping keys = mapping_of({prefix_rule("a", "a", "\xff")});
    std::set<std::string> sorted(universe.begin(), universe.end());
    std::string before;
    std::string out;
    for (const std::string& key : sorted) {
        if (!keys.to_slave(key, out)) continue;
        CHECK(out > before);
        before = out;
    }
}

TEST_CASE("the digest depends on everything that changes the result, but not on the names of rules") {
    const auto digest = [](std::vector<config::rule> rules, std::string_view prefix = {}) {
        return mapping_of(std::move(rules), prefix).digest();
    };
    const std::string base = digest({prefix_rule("/a/")});
    config::rule named = prefix_rule("/a/");
    named.name = "other";
    CHECK(digest({named}) == base);
    CHECK(digest({prefix_rule("/b/")}) != base);
    CHECK(digest({prefix_rule("/a/", "/a/")}) != base);
    CHECK(digest({prefix_rule("/a/", "", "x")}) != base);
    CHECK(digest({prefix_rule("/a/")}, "/site") != base);
    CHECK(digest({with(prefix_rule("/a/"), {"/a/b"}, {})}) != base);
    CHECK(digest({with(prefix_rule("/a/"), {}, {"/a/b"})}) != base);
    CHECK(digest({with(prefix_rule("/a/"), {"/a/b"}, {})}) != digest({with(prefix_rule("/a/"), {}, {"/a/b"})}));
    CHECK(digest({prefix_rule("/a/"), prefix_rule("/b/")}) != digest({prefix_rule("/b/"), prefix_rule("/a/")}));
}

TEST_CASE("there is no segment with only the empty key, because etcd would read it as the whole key space") {
    // The target of key "a" without "a" is ["", "\0"), which on the wire is key "\0", range_end "\0": everything.
    const mapping keys = mapping_of({key_rule("a", "a", "")});
    for (const segment& part : keys.segments()) {
        const key_range only_empty{"", nul};
        CHECK_FALSE(part.target == only_empty);
    }
}
