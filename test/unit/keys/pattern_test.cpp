// SPDX-License-Identifier: Apache-2.0
#include "keys/pattern.hpp"

#include "universe.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace etcdsync::keys;
using namespace std::string_literals;

namespace {

bool matches(std::string_view text, std::string_view key) {
    const auto parsed = pattern::parse(text);
    REQUIRE(parsed.has_value());
    return parsed->matches(key);
}

/// A reference implementation of `*`, `**` and `?` that tries every possibility.
bool slow_match(std::string_view glob, std::string_view key) {
    if (glob.empty()) return key.empty();
    if (glob[0] == '*') {
        const bool any = glob.starts_with("**");
        while (glob.starts_with('*')) glob.remove_prefix(1);
        for (std::size_t run = 0; run <= key.size(); ++run) {
            if (!any && key.substr(0, run).find('/') != std::string_view::npos) return false;
            if (slow_match(glob, key.substr(run))) return true;
        }
        return false;
    }
    if (key.empty()) return false;
    return (glob[0] == '?' ? key[0] != '/' : key[0] == glob[0]) && slow_match(glob.substr(1), key.substr(1));
}

}  // namespace

TEST_CASE("a pattern that ends in a slash is a prefix") {
    CHECK(pattern::parse("/a/")->form() == pattern::kind::prefix);
    CHECK(matches("/a/", "/a/"));
    CHECK(matches("/a/", "/a/b/c"));
    CHECK_FALSE(matches("/a/", "/a"));
    CHECK_FALSE(matches("/a/", "/ab"));
    CHECK(matches("/*/", "/*/x"));
    CHECK_FALSE(matches("/*/", "/a/x"));
}

TEST_CASE("a pattern without wildcards is one key") {
    CHECK(pattern::parse("/a")->form() == pattern::kind::exact);
    CHECK(matches("/a", "/a"));
    CHECK_FALSE(matches("/a", "/a/"));
    CHECK_FALSE(matches("/a", "/a\0"s));
    CHECK(matches("a\\b", "a\\b"));
    CHECK(matches("a]b", "a]b"));
}

TEST_CASE("one star does not match a slash, two do") {
    CHECK(matches("/a/*", "/a/b"));
    CHECK(matches("/a/*", "/a/"));
    CHECK_FALSE(matches("/a/*", "/a/b/c"));
    CHECK(matches("/a/**", "/a/b/c"));
    CHECK(matches("**/tmp/*", "/x/y/tmp/z"));
    CHECK_FALSE(matches("**/tmp/*", "/x/y/tmp/z/w"));
    CHECK_FALSE(matches("*/tmp/*", "/x/tmp/z"));
    CHECK(matches("/*/b/**/d", "/a/b/c/c/d"));
    CHECK(matches("***", "/a/b"));
    CHECK(matches("a*b*c", "axxbxbxc"));
    CHECK_FALSE(matches("a*b*c", "axxbx/xc"));
}

TEST_CASE("a question mark matches one byte except a slash") {
    CHECK(matches("/?", "/a"));
    CHECK(matches("/?", "/\xff"));
    CHECK(matches("/?", "/\0"s));
    CHECK_FALSE(matches("/?", "//"));
    CHECK_FALSE(matches("/?", "/"));
    CHECK_FALSE(matches("/?", "/ab"));
}

TEST_CASE("classes contain single bytes and ranges, and can be negated") {
    CHECK(matches("[abc]", "b"));
    CHECK_FALSE(matches("[abc]", "d"));
    CHECK(matches("[a-c]x", "bx"));
    CHECK_FALSE(matches("[a-c]x", "dx"));
    CHECK(matches("[!a-c]", "d"));
    CHECK_FALSE(matches("[!a-c]", "a"));
    CHECK_FALSE(matches("[!a-c]", "/"));
    CHECK_FALSE(matches("[--0]", "/"));
    CHECK(matches("[]a]", "]"));
    CHECK(matches("[!]]", "a"));
    CHECK_FALSE(matches("[!]]", "]"));
    CHECK(matches("[a-]", "-"));
    CHECK(matches("[\\]]", "]"));
    CHECK(matches("[*?]", "*"));
    CHECK(matches("[\x80-\xff]", "\xc3"));
    CHECK_FALSE(matches("[\x80-\xff]", "a"));
}

TEST_CASE("a backslash makes the next byte literal") {
    CHECK(matches("\\**", "*x"));
    CHECK_FALSE(matches("\\**", "xx"));
    CHECK(matches("a\\?*", "a?"));
    CHECK_FALSE(matches("a\\?*", "ab"));
    CHECK(matches("\\[a\\]*", "[a]b"));
    CHECK(matches("*\\\\", "a\\"));
}

TEST_CASE("bytes of any value match themselves") {
    CHECK(matches("\xff*"s, "\xff\xfe"));
    CHECK(matches("a\0b*"s, "a\0bc"s));
    CHECK_FALSE(matches("a\0b*"s, "a"));
    CHECK(matches("*", "\0\0"s));
}

TEST_CASE("matching has the same result as the reference implementation") {
    const auto keys = all_strings("a/", 5);
    for (const auto& glob : all_strings("*?a/", 5)) {
        if (glob.empty() || glob.back() == '/' || !has_wildcard(glob)) continue;
        const auto parsed = pattern::parse(glob);
        REQUIRE(parsed.has_value());
        for (const auto& key : keys) {
            if (parsed->matches(key) == slow_match(glob, key)) continue;
            CAPTURE(glob);
            CAPTURE(key);
            FAIL_CHECK("wrong answer");
        }
    }
}

TEST_CASE("patterns longer than a machine word work") {
    for (const std::size_t length : {62U, 63U, 64U, 65U, 127U, 128U, 129U, 200U}) {
        CAPTURE(length);
        const std::string body(length, 'a');
        CHECK(matches("*" + body, body));
        CHECK(matches("*" + body + "*b", "b" + body + "b"));
        CHECK_FALSE(matches("*" + body, body.substr(1)));
        CHECK_FALSE(matches(body + "?", body));
        CHECK(matches(body + "?", body + "b"));
    }
}

TEST_CASE("the time for a hostile key is linear in its length") {
    std::string glob = "**";
    for (int i = 0; i < 40; ++i) glob += "a*a**";
    glob += "b";
    const auto parsed = pattern::parse(glob);
    const std::string key(100'000, 'a');
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(parsed->matches(key));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}

TEST_CASE("all keys that a pattern can match are in its bounds") {
    CHECK(pattern::parse("/a/")->bounds() == prefix_range("/a/"));
    CHECK(pattern::parse("/a")->bounds() == single_key("/a"));
    CHECK(pattern::parse("/a/*/b")->bounds() == prefix_range("/a/"));
    CHECK(pattern::parse("/a\\*/?b")->bounds() == prefix_range("/a*/"));
    CHECK(pattern::parse("*")->bounds() == key_range{});
}

TEST_CASE("invalid patterns are rejected with the reason") {
    for (const auto* open : {"[", "[a", "[!", "[]", "[!]", "a[b-", "[a\\"}) {
        CAPTURE(open);
        const auto parsed = pattern::parse(open);
        REQUIRE(parsed.has_error());
        CHECK(parsed.error().text == "a \"[\" is not closed");
    }
    CHECK(pattern::parse("[z-a]").error().text == "a class has a reversed range");
    CHECK(pattern::parse("*\\").error().text == "the pattern ends with \"\\\"");
    CHECK(pattern::parse("").error().text == "the pattern is empty");
}

TEST_CASE("a literal pattern matches its bytes and nothing else") {
    for (const auto& bytes : all_strings("a*[\\", 3)) {
        if (bytes.empty()) continue;
        const auto parsed = pattern::parse(literal_pattern(bytes));
        REQUIRE(parsed.has_value());
        for (const auto& key : all_strings("a*[\\", 3)) {
            if (parsed->matches(key) == (key == bytes)) continue;
            CAPTURE(bytes);
            CAPTURE(key);
            FAIL_CHECK("wrong answer");
        }
    }
    CHECK(literal_pattern("\xff*/") == "\xff*/");
}
