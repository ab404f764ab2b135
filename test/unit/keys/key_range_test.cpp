// SPDX-License-Identifier: Apache-2.0
#include "keys/key_range.hpp"

#include "config/selector_range.hpp"
#include "universe.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace etcdsync::keys;
using namespace std::string_literals;

namespace {

/// Every interval between two corner strings or without an end, including empty ones.
std::vector<key_range> all_ranges(std::size_t most) {
    std::vector<key_range> all;
    for (const auto& begin : corner_strings(most)) {
        for (const auto& end : corner_strings(most)) all.push_back({begin, end});
    }
    return all;
}

}  // namespace

TEST_CASE("the end of a prefix is the smallest key above all keys that start with it") {
    CHECK(prefix_end("a") == "b");
    CHECK(prefix_end("/com/") == "/com0");
    CHECK(prefix_end("a\xff") == "b");
    CHECK(prefix_end("a\xff\xff") == "b");
    CHECK(prefix_end("\0"s) == "\x01");
    CHECK(prefix_end("\x7f") == "\x80");
    CHECK(prefix_end("\xfe") == "\xff");
    CHECK(prefix_end("") == "");
    CHECK(prefix_end("\xff") == "");
    CHECK(prefix_end("\xff\xff\xff") == "");
}

TEST_CASE("a prefix range contains exactly the keys that start with the prefix") {
    for (const auto& prefix : corner_strings(3)) {
        const key_range range = prefix_range(prefix);
        for (const auto& key : corner_strings(4)) CHECK(range.contains(key) == key.starts_with(prefix));
    }
}

TEST_CASE("the range of one key contains only that key") {
    for (const auto& key : corner_strings(2)) {
        const key_range range = single_key(key);
        CHECK_FALSE(range.empty());
        for (const auto& other : corner_strings(3)) CHECK(range.contains(other) == (other == key));
    }
}

TEST_CASE("the hull of two ranges is the smallest range that contains both") {
    for (const key_range& a : all_ranges(1)) {
        for (const key_range& b : all_ranges(1)) {
            const key_range both = hull(a, b);
            CHECK((both.contains(a) && both.contains(b)));
            CHECK((both.begin == a.begin || both.begin == b.begin));
            CHECK((both.end == a.end || both.end == b.end));
        }
    }
}

TEST_CASE("each kind of selector is converted to its range") {
    CHECK(etcdsync::config::selector_range({etcdsync::config::selector::kind::key, "/motd", ""}) ==
          key_range{"/motd", "/motd\0"s});
    CHECK(etcdsync::config::selector_range({etcdsync::config::selector::kind::prefix, "/a/", ""}) ==
          key_range{"/a/", "/a0"});
    CHECK(etcdsync::config::selector_range({etcdsync::config::selector::kind::prefix, "\xff", ""}) ==
          key_range{"\xff", ""});
    CHECK(etcdsync::config::selector_range({etcdsync::config::selector::kind::range, "/a", "/n"}) ==
          key_range{"/a", "/n"});
    CHECK(etcdsync::config::selector_range({etcdsync::config::selector::kind::range, "/a", ""}) == key_range{"/a", ""});
}

TEST_CASE("a range without an end includes the last key, and the default range contains all keys") {
    CHECK(key_range{}.contains("\xff\xff\xff"));
    CHECK(key_range{}.contains(""));
    CHECK(key_range{"b", ""}.contains("\xff"));
    CHECK_FALSE(key_range{"b", ""}.contains("a"));
    CHECK_FALSE(key_range{}.empty());
    CHECK(key_range{"b", "b"}.empty());
    CHECK(key_range{"b", "a"}.empty());
}

TEST_CASE("bytes are compared as unsigned, as in etcd") {
    CHECK(key_range{"\x7f", "\xff"}.contains("\x80"));
    CHECK_FALSE(key_range{"\x80", "\xff"}.contains("\x7f"));
    CHECK(key_range{"a", "\x80"}.contains("b"));
}

TEST_CASE("an intersection contains exactly the keys of both ranges") {
    const auto keys = corner_strings(3);
    for (const auto& a : all_ranges(2)) {
        for (const auto& b : all_ranges(2)) {
            const auto both = intersect(a, b);
            const bool right = std::ranges::all_of(keys, [&](const auto& key) {
                return (both && both->contains(key)) == (a.contains(key) && b.contains(key));
            });
            if (!right || (both && both->empty())) {
                CAPTURE(a.begin);
                CAPTURE(a.end);
                CAPTURE(b.begin);
                CAPTURE(b.end);
                FAIL_CHECK("wrong intersection");
            }
        }
    }
}

TEST_CASE("a difference contains exactly the keys outside the hole, in order") {
    const auto keys = corner_strings(3);
    for (const auto& range : all_ranges(2)) {
        for (const auto& hole : all_ranges(2)) {
            const auto rest = subtract(range, hole);
            const bool right = std::ranges::all_of(keys, [&](const auto& key) {
                const auto hits = std::ranges::count_if(rest, [&](const key_range& r) { return r.contains(key); });
                return hits == (range.contains(key) && !hole.contains(key) ? 1 : 0);
            });
            const bool ordered = rest.size() < 2 || (!rest[0].end.empty() && rest[0].end <= rest[1].begin);
            if (!right || !ordered || rest.size() > 2 || std::ranges::any_of(rest, &key_range::empty)) {
                CAPTURE(range.begin);
                CAPTURE(range.end);
                CAPTURE(hole.begin);
                CAPTURE(hole.end);
                FAIL_CHECK("wrong difference");
            }
        }
    }
}

TEST_CASE("a hole can be in the middle, at an end, larger than the range, or outside") {
    const key_range range{"b", "m"};
    CHECK(subtract(range, {"d", "f"}) == std::vector<key_range>{{"b", "d"}, {"f", "m"}});
    CHECK(subtract(range, {"a", "f"}) == std::vector<key_range>{{"f", "m"}});
    CHECK(subtract(range, {"d", ""}) == std::vector<key_range>{{"b", "d"}});
    CHECK(subtract(range, {}).empty());
    CHECK(subtract(range, {"m", ""}) == std::vector<key_range>{range});
    CHECK(subtract({"b", ""}, {"d", "f"}) == std::vector<key_range>{{"b", "d"}, {"f", ""}});
}

TEST_CASE("a range contains another one if and only if it contains all its keys") {
    for (const auto& outer : all_ranges(2)) {
        for (const auto& inner : all_ranges(2)) {
            // Equivalent: nothing is left of `inner` without `outer`.
            if (outer.contains(inner) != subtract(inner, outer).empty()) {
                CAPTURE(outer.begin);
                CAPTURE(outer.end);
                CAPTURE(inner.begin);
                CAPTURE(inner.end);
                FAIL_CHECK("wrong answer");
            }
        }
    }
}

TEST_CASE("the common prefix is the longest prefix of all keys") {
    CHECK(common_prefix({"/flags/a", "/flags/n"}) == "/flags/");
    CHECK(common_prefix(prefix_range("/a/")) == "/a/");
    CHECK(common_prefix(single_key("/motd")) == "/motd");
    CHECK(common_prefix({"/a", ""}) == "");
    CHECK(common_prefix({"\xff", ""}) == "\xff");
    CHECK(common_prefix({"/a", "/b"}) == "/a");
    for (const auto& range : all_ranges(3)) {
        if (range.empty()) continue;
        const std::string prefix = common_prefix(range);
        CHECK(prefix_range(prefix).contains(range));
        if (prefix.size() < range.begin.size()) {
            CHECK_FALSE(prefix_range(range.begin.substr(0, prefix.size() + 1)).contains(range));
        }
    }
}
