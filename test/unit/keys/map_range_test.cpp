// SPDX-License-Identifier: Apache-2.0
#include "keys/key_range.hpp"
#include "universe.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace etcdsync::keys;
using namespace std::string_literals;

TEST_CASE("a key is mapped by replacing its prefix, and mapped back with strip and dest exchanged") {
    CHECK(map_key("/a/x", "/a/", "/b/") == "/b/x");
    CHECK(map_key("/a/x", "", "/copy") == "/copy/a/x");
    CHECK(map_key("/motd", "/motd", "/m") == "/m");
    CHECK(map_key("/motd", "/motd", "") == "");
    CHECK(map_key(map_key("/a/x", "/a/", "/b/"), "/b/", "/a/") == "/a/x");
}

TEST_CASE("the begin and the end of a range are mapped") {
    CHECK(map_range(prefix_range("/a/"), "/a/", "/b/") == key_range{"/b/", "/b0"});
    CHECK(map_range(prefix_range("/a/"), "/a/", "") == key_range{"", ""});
    CHECK(map_range(prefix_range("/a/"), "", "/x") == key_range{"/x/a/", "/x/a0"});
    CHECK(map_range(prefix_range("/a/b/"), "/a/", "/x/") == key_range{"/x/b/", "/x/b0"});
    CHECK(map_range({"/flags/a", "/flags/n"}, "/flags/", "/f/") == key_range{"/f/a", "/f/n"});
    CHECK(map_range(single_key("/motd"), "/motd", "/m") == single_key("/m"));
    CHECK(map_range({"/a", ""}, "", "") == key_range{"/a", ""});
    CHECK(map_range({"/a", ""}, "", "/x") == key_range{"/x/a", "/y"});
    CHECK(map_range({"/a", ""}, "", "\xff") == key_range{"\xff/a", ""});
    CHECK(map_range({"\xff", ""}, "\xff", "b") == key_range{"b", "c"});
}

TEST_CASE("a range is not mapped if strip is not a prefix of all its keys") {
    CHECK_FALSE(map_range(prefix_range("/a/"), "/b", "/c"));
    CHECK_FALSE(map_range(prefix_range("/a/"), "/a/b", "/c"));
    CHECK_FALSE(map_range({"/a/x", "/b"}, "/a/", "/c"));
    CHECK_FALSE(map_range({"/a", ""}, "/", "/c"));
    CHECK_FALSE(map_range(single_key("/motd"), "/motd/", "/c"));
}

TEST_CASE("a mapped range contains exactly the mapped keys of the range") {
    const auto keys = corner_strings(4);
    const auto parts = corner_strings(2);
    for (const auto& begin : parts) {
        for (const auto& end : parts) {
            const key_range range{begin, end};
            if (range.empty()) continue;
            for (const auto& strip : parts) {
                const bool fits = strip.size() <= common_prefix(range).size() && begin.starts_with(strip);
                for (const auto& dest : {""s, "a"s, "\xff"s, "\0"s, "a\xff"s}) {
                    const auto mapped = map_range(range, strip, dest);
                    REQUIRE(mapped.has_value() == fits);
                    if (!mapped) continue;
                    const bool right = std::ranges::all_of(keys, [&](const std::string& key) {
                        const bool is_image = key.starts_with(dest) && range.contains(map_key(key, dest, strip));
                        return mapped->contains(key) == is_image;
                    });
                    if (!right) {
                        CAPTURE(begin);
                        CAPTURE(end);
                        CAPTURE(strip);
                        CAPTURE(dest);
                        FAIL_CHECK("wrong image");
                    }
                }
            }
        }
    }
}

TEST_CASE("the canonical form removes the common suffix of strip and dest") {
    CHECK(canonical_mapping("/a/", "/b/") == mapping{"/a", "/b"});
    CHECK(canonical_mapping("/a/", "/a/") == mapping{"", ""});
    CHECK(canonical_mapping("", "/x") == mapping{"", "/x"});
    CHECK(canonical_mapping("/a/x/", "/x/") == mapping{"/a", ""});
    CHECK(canonical_mapping("a", "b") == mapping{"a", "b"});
}

TEST_CASE("two mappings map a key equally if and only if their canonical forms are equal") {
    const auto parts = all_strings("ab", 2);
    const std::string key = "abab";
    for (const auto& strip_a : parts) {
        for (const auto& strip_b : parts) {
            if (!key.starts_with(strip_a) || !key.starts_with(strip_b)) continue;
            for (const auto& dest_a : parts) {
                for (const auto& dest_b : parts) {
                    const bool agree = map_key(key, strip_a, dest_a) == map_key(key, strip_b, dest_b);
                    CHECK(agree == (canonical_mapping(strip_a, dest_a) == canonical_mapping(strip_b, dest_b)));
                }
            }
        }
    }
}
