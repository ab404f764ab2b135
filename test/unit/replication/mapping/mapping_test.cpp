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

/// Every string over `alphabet` of at most `most` bytes.
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

bool meet(const key_range& a, const key_range& b) { return keys::intersect(a, b).has_value(); }

/// What must hold of any mapping, whatever the key.
void check_laws(const mapping& keys, const std::vector<std::string>& universe) {
    std::map<std::string, std::string> origin;
    std::string out;
    for (const std::string& key : universe) {
        if (key.empty() || !keys.to_slave(key, out)) continue;
        CAPTURE(key);
        const std::string target = out;
        CHECK(keys.cover().contains(key));
        const auto other = origin.emplace(target, key);
        CHECK_MESSAGE(other.second, "two keys of the master land on one of the slave");
        // Exactly one segment has it, on both sides, and maps it the same way there and back.
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
            if (&part != &other) CHECK_FALSE(meet(part.target, other.target));
        }
        for (const std::string& key : universe) {
            // No key of the slave belongs to us that is not the image of a key of the master.
            if (part.target.contains(key) && keys.to_master(part, key, out)) {
                const std::string source = out;
                CHECK(keys.to_slave(source, out));
                CHECK(out == key);
            }
            // What a segment maps lands in its target.
            if (part.source.contains(key) && keys.to_slave(part, key, out)) CHECK(part.target.contains(out));
        }
    }
    CHECK(std::is_sorted(keys.segments().begin(), keys.segments().end(),
                         [](const segment& a, const segment& b) { return a.target.begin < b.target.begin; }));
}

const std::string nul(1, '\0');

}  // namespace

TEST_CASE("a prefix takes its keys and none of their neighbours") {
    const mapping keys = mapping_of({prefix_rule("/a/")});
    CHECK(slave_key(keys, "/a/x") == "/a/x");
    CHECK(slave_key(keys, "/a/") == "/a/");
    CHECK(slave_key(keys, "/a/" + nul) == "/a/" + nul);
    CHECK(slave_key(keys, "/a/\xff\xff") == "/a/\xff\xff");
    for (const char* neighbour : {"/a", "/a.", "/a0", "/A/x", "/b", "a/", "/aa/x"})
        CHECK(slave_key(keys, neighbour) == "-");
}

TEST_CASE("a key takes itself and neither what starts with it nor what stands just before") {
    const mapping keys = mapping_of({key_rule("k")});
    CHECK(slave_key(keys, "k") == "k");
    CHECK(slave_key(keys, "k" + nul) == "-");
    CHECK(slave_key(keys, "kk") == "-");
    CHECK(slave_key(keys, "j\xff") == "-");
}

TEST_CASE("a range takes its first key and not its end; an open one all from there") {
    const mapping keys = mapping_of({range_rule("b", "d")});
    CHECK(slave_key(keys, "b") == "b");
    CHECK(slave_key(keys, "c\xff") == "c\xff");
    CHECK(slave_key(keys, "d") == "-");
    CHECK(slave_key(keys, "a\xff") == "-");
    const mapping open = mapping_of({range_rule("b", "")});
    CHECK(slave_key(open, "\xff\xff\xff") == "\xff\xff\xff");
    CHECK(slave_key(open, "a") == "-");
}

TEST_CASE("strip goes, dest comes, the slave's own prefix in front") {
    CHECK(slave_key(mapping_of({prefix_rule("/a/b/", "/a/")}), "/a/b/c") == "b/c");
    CHECK(slave_key(mapping_of({prefix_rule("/a/b/", "/a/", "/x/")}), "/a/b/c") == "/x/b/c");
    CHECK(slave_key(mapping_of({prefix_rule("/a/b/", "/a/b/", "/x/")}, "/site1"), "/a/b/c") == "/site1/x/c");
    CHECK(slave_key(mapping_of({prefix_rule("/a/")}, "/site1"), "/a/c") == "/site1/a/c");
}

TEST_CASE("a key that maps to nothing lands nowhere") {
    const mapping keys = mapping_of({prefix_rule("/a/", "/a/")});
    CHECK(slave_key(keys, "/a/") == "-");
    CHECK(slave_key(keys, "/a/x") == "x");
}

TEST_CASE("no key of the checkpoints is read, and none is written there") {
    const mapping all = mapping_of({prefix_rule("")});
    CHECK(slave_key(all, "/.etcd-sync/it") == "-");
    CHECK(slave_key(all, "/.etcd-sync") == "/.etcd-sync");
    const mapping into = mapping_of({prefix_rule("/a/", "/a/", "/")});
    CHECK(slave_key(into, "/a/.etcd-sync/it") == "-");
    CHECK(slave_key(into, "/a/.etcd-sync") == "/.etcd-sync");
    for (const mapping* keys : {&all, &into}) {
        for (const segment& part : keys->segments()) CHECK_FALSE(meet(part.target, keys::prefix_range(checkpoints)));
    }
    CHECK(all.segments().size() == 2);
    CHECK(into.segments().size() == 2);
}

TEST_CASE("the first rule that matches has the key") {
    const mapping keys = mapping_of({prefix_rule("/a/b/", "/a/b/", "/x/"), prefix_rule("/a/", "/a/", "/y/")});
    CHECK(slave_key(keys, "/a/b/c") == "/x/c");
    CHECK(slave_key(keys, "/a/c") == "/y/c");
    CHECK(keys.rule_of("/a/b/c") == 0);
    CHECK(keys.rule_of("/a/c") == 1);
    CHECK_FALSE(keys.rule_of("/c").has_value());
}

TEST_CASE("include and exclude decide inside a rule, and what one rule leaves the next may take") {
    const mapping keys = mapping_of(
        {with(prefix_rule("/a/", "/a/", "/x/"), {"/a/*.conf"}, {"/a/secret.conf"}), prefix_rule("/a/", "/a/", "/y/")});
    CHECK(slave_key(keys, "/a/b.conf") == "/x/b.conf");
    CHECK(slave_key(keys, "/a/secret.conf") == "/y/secret.conf");
    CHECK(slave_key(keys, "/a/other") == "/y/other");
}

TEST_CASE("an excluded prefix and an excluded key are holes in the segments") {
    const mapping keys = mapping_of({with(prefix_rule("/a/"), {}, {"/a/b/", "/a/k"})});
    for (const segment& part : keys.segments()) {
        CHECK_FALSE(meet(part.source, keys::prefix_range("/a/b/")));
        CHECK_FALSE(part.source.contains("/a/k"));
        CHECK_FALSE(part.target.contains("/a/k"));
    }
    CHECK(slave_key(keys, "/a/b/c") == "-");
    CHECK(slave_key(keys, "/a/k") == "-");
    CHECK(slave_key(keys, "/a/k2") == "/a/k2");
}

TEST_CASE("rules with the same mapping that touch or overlap make one segment") {
    const mapping keys = mapping_of({prefix_rule("/a/"), range_rule("/a/x", "/c"), range_rule("/c", "/d")});
    REQUIRE(keys.segments().size() == 1);
    CHECK(keys.segments()[0].source == key_range{"/a/", "/d"});
    CHECK(keys.segments()[0].target == key_range{"/a/", "/d"});
    CHECK(keys.cover() == key_range{"/a/", "/d"});
}

TEST_CASE("the same mapping in two writings is one: /a/ to /b/ is /a to /b") {
    const mapping keys = mapping_of({range_rule("/a/", "/a/k", "/a/", "/b/"), range_rule("/a/k", "/a0", "/a", "/b")});
    CHECK(keys.segments().size() == 1);
}

TEST_CASE("prefixes of 0xff reach to the last key") {
    const mapping keys = mapping_of({prefix_rule("\xff\xff", "\xff", "t")});
    CHECK(slave_key(keys, "\xff\xff") == "t\xff");
    CHECK(slave_key(keys, "\xff\xff\xff\x01") == "t\xff\xff\x01");
    CHECK(slave_key(keys, "\xff\xfe") == "-");
    CHECK(keys.cover().end.empty());
    REQUIRE(keys.segments().size() == 1);
    CHECK(keys.segments()[0].target == key_range{"t\xff", "u"});
}

TEST_CASE("the cover is the least interval with all rules in it") {
    CHECK(mapping_of({prefix_rule("/m/"), key_rule("/a"), range_rule("/x", "/z")}).cover() == key_range{"/a", "/z"});
    CHECK(mapping_of({range_rule("/x", ""), prefix_rule("/a/")}).cover() == key_range{"/a/", ""});
}

TEST_CASE("there and back is the same key, targets are disjoint, order is kept: over all keys of corner bytes") {
    const auto universe = all_strings(std::string_view("\0a/\xff", 4), 4);
    check_laws(mapping_of({prefix_rule("")}), universe);
    check_laws(mapping_of({prefix_rule("a")}), universe);
    check_laws(mapping_of({prefix_rule("a", "a")}), universe);
    check_laws(mapping_of({prefix_rule("\xff", "\xff", "")}), universe);
    check_laws(mapping_of({prefix_rule("\xff", "", "\xff")}), universe);
    check_laws(mapping_of({prefix_rule(nul, nul, "a")}), universe);
    check_laws(mapping_of({key_rule("a", "a", "")}), universe);
    check_laws(mapping_of({key_rule("a/", "a", "")}), universe);
    check_laws(mapping_of({range_rule("a", "a\xff", "a", "/")}), universe);
    check_laws(mapping_of({range_rule("a" + nul, "a/", "a", "")}), universe);
    check_laws(mapping_of({with(prefix_rule("a", "a", "/"), {}, {"aa", "a/"})}), universe);
    check_laws(mapping_of({with(prefix_rule("a", "a", "/"), {"a*"}, {"a?a"})}), universe);
    check_laws(mapping_of({prefix_rule("aa", "aa", "/"), prefix_rule("a", "a", "\xff")}), universe);
    check_laws(mapping_of({key_rule("aa", "a", "/"), prefix_rule("a/", "a/", "a"), range_rule("/", "0", "/", "\xff")}),
               universe);
}

namespace {

/// The mappings of one rule each, beside the one of all.
void check_shares(const std::vector<config::rule>& rules, const std::vector<std::string>& universe, bool disjoint) {
    const mapping whole = mapping_of(rules, "");
    std::vector<mapping> shares;
    for (std::size_t i = 0; i < rules.size(); ++i) shares.push_back(mapping::of_one_rule(rules, i, "", checkpoints));
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
        check_laws(share, universe);
        for (const mapping& other : shares) {
            if (&share == &other || !disjoint) continue;
            for (const segment& a : share.segments()) {
                for (const segment& b : other.segments()) CHECK_FALSE(meet(a.target, b.target));
            }
        }
    }
}

}  // namespace

TEST_CASE("of the mappings of one rule each, exactly one takes a key that the whole takes, to the same place") {
    const auto universe = all_strings(std::string_view("\0a/\xff", 4), 4);
    check_shares({prefix_rule("")}, universe, true);
    check_shares({prefix_rule("a"), prefix_rule("/")}, universe, true);
    check_shares({prefix_rule("aa"), prefix_rule("a"), prefix_rule("")}, universe, true);
    check_shares({prefix_rule("a"), prefix_rule("aa")}, universe, true);
    check_shares({key_rule("aa"), range_rule("a", "aaa"), prefix_rule("a")}, universe, true);
    check_shares({prefix_rule("aa", "aa", "/"), prefix_rule("a", "a", "\xff")}, universe, true);
    check_shares({prefix_rule("\xff", "\xff", "a"), range_rule(nul, "a"), key_rule("/")}, universe, true);
    check_shares({with(prefix_rule("a"), {}, {"aa", "a/"}), prefix_rule("a")}, universe, true);
    // Patterns that pick single keys: two rules share a stretch, key by key.
    check_shares({with(prefix_rule("a"), {"a*a"}, {}), prefix_rule("a")}, universe, false);
    check_shares({with(prefix_rule("a"), {}, {"a?"}), prefix_rule("a")}, universe, false);
    check_shares({with(prefix_rule("a"), {"a*a", "a/"}, {"a?a"}), with(prefix_rule(""), {"*/*"}, {}), prefix_rule("")},
                 universe, false);
}

TEST_CASE("the digest of one rule's mapping changes with what that rule takes, not with other rules") {
    const auto digest = [](const std::vector<config::rule>& rules, std::size_t only) {
        return mapping::of_one_rule(rules, only, "", checkpoints).digest();
    };
    const config::rule a = prefix_rule("/a/");
    const config::rule b = prefix_rule("/b/");
    const config::rule part = prefix_rule("/a/x/");
    CHECK(digest({a, b}, 0) == digest({a}, 0));
    CHECK(digest({a, b}, 1) == digest({b}, 0));
    CHECK(digest({a, b}, 0) == digest({b, a}, 1));
    CHECK(digest({part, a}, 1) != digest({a, part}, 0));
    CHECK(digest({a}, 0) == mapping_of({a}).digest());
    // What looks alike but takes other keys: the rest of a rule, and the two together.
    CHECK(digest({part, a}, 1) != mapping_of({part, a}).digest());
}

TEST_CASE("the mapping of one rule covers its range only") {
    const std::vector<config::rule> rules{prefix_rule("/a/"), prefix_rule("/b/"), prefix_rule("/c/")};
    CHECK(mapping::of_one_rule(rules, 1, "", checkpoints).cover() == keys::prefix_range("/b/"));
    CHECK(mapping::of_one_rule(rules, 1, "/s", checkpoints).segments().size() == 1);
}

TEST_CASE("order is kept inside a segment") {
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

TEST_CASE("the digest changes with whatever changes the outcome, and not with the names of rules") {
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

TEST_CASE("a segment with no key but the empty one is not asked for: etcd would take it for the whole store") {
    // The target of key "a" without "a" is ["", "\0"), which on the wire is key "\0", range_end "\0": everything.
    const mapping keys = mapping_of({key_rule("a", "a", "")});
    for (const segment& part : keys.segments()) {
        const key_range only_empty{"", nul};
        CHECK_FALSE(part.target == only_empty);
    }
}
