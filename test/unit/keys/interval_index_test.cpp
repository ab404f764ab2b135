// SPDX-License-Identifier: Apache-2.0
#include "keys/interval_index.hpp"

#include "base/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace etcdsync;
using keys::interval_index;
using keys::key_range;

namespace {

using numbers = std::vector<std::uint32_t>;

numbers found(const interval_index& index, std::string_view key) {
    const auto all = index.at(key);
    return {all.begin(), all.end()};
}

numbers found_one_by_one(const std::vector<interval_index::interval>& all, std::string_view key) {
    std::set<std::uint32_t> out;
    for (const auto& one : all) {
        if (!one.keys.empty() && one.keys.contains(key)) out.insert(one.number);
    }
    return {out.begin(), out.end()};
}

std::string some_key(base::random_source& random) {
    std::string out;
    for (std::uint64_t i = random.next() % 4; i > 0; --i) out += static_cast<char>('a' + random.next() % 3);
    return out;
}

}  // namespace

TEST_CASE("an index without intervals finds nothing") {
    const interval_index none{{}};
    CHECK(found(none, "").empty());
    CHECK(found(none, "a").empty());
}

TEST_CASE("an interval contains its first key, and not its end") {
    const interval_index index{{{{"b", "d"}, 7}}};
    CHECK(found(index, "azz").empty());
    CHECK(found(index, "b") == numbers{7});
    CHECK(found(index, "czz") == numbers{7});
    CHECK(found(index, "d").empty());
}

TEST_CASE("an interval may contain all keys, and an empty one contains none") {
    const interval_index index{{{{}, 0}, {{"c", "b"}, 1}, {{"b", ""}, 2}}};
    CHECK(found(index, "") == numbers{0});
    CHECK(found(index, "\xff\xff") == numbers{0, 2});
}

TEST_CASE("the numbers of overlapping intervals are found in ascending order, each once") {
    const interval_index index{{{{"a", "z"}, 2}, {{"c", "f"}, 1}, {{"d", "g"}, 1}, {{"b", "e"}, 0}}};
    CHECK(found(index, "a") == numbers{2});
    CHECK(found(index, "b") == numbers{0, 2});
    CHECK(found(index, "d") == numbers{0, 1, 2});
    CHECK(found(index, "f") == numbers{1, 2});
    CHECK(found(index, "g") == numbers{2});
}

TEST_CASE("nothing is found after the last number") {
    const interval_index index{{{{"a", "z"}, 0}, {{"c", "f"}, 1}, {{"", ""}, 2}},
                               [](std::uint32_t number) { return number == 1; }};
    CHECK(found(index, "b") == numbers{0, 2});
    CHECK(found(index, "d") == numbers{0, 1});
}

TEST_CASE("the parts of a range are in order, lie inside it, and leave nothing out") {
    const interval_index index{{{{"b", "d"}, 1}, {{"c", "x"}, 2}}};
    std::vector<std::pair<key_range, numbers>> parts;
    index.for_each_in({"bb", "y"}, [&](const key_range& part, std::span<const std::uint32_t> all) {
        parts.emplace_back(part, numbers(all.begin(), all.end()));
    });
    const std::vector<std::pair<key_range, numbers>> wanted{
        {{"bb", "c"}, {1}}, {{"c", "d"}, {1, 2}}, {{"d", "x"}, {2}}, {{"x", "y"}, {}}};
    CHECK(parts == wanted);
    parts.clear();
    index.for_each_in({"y", ""}, [&](const key_range& part, auto) { parts.emplace_back(part, numbers{}); });
    CHECK(parts.size() == 1);
    CHECK(parts.front().first == key_range{"y", ""});
    index.for_each_in({"c", "b"}, [](const key_range&, auto) { FAIL("a part of an empty range"); });
}

TEST_CASE("random intervals are found as if each were asked") {
    base::random_source random(1);
    for (int round = 0; round < 300; ++round) {
        std::vector<interval_index::interval> all;
        for (std::uint64_t i = random.next() % 12; i > 0; --i) {
            all.push_back({{some_key(random), some_key(random)}, static_cast<std::uint32_t>(random.next() % 8)});
        }
        const interval_index index(all);
        for (int i = 0; i < 30; ++i) {
            const std::string key = some_key(random);
            CAPTURE(key);
            CHECK(found(index, key) == found_one_by_one(all, key));
        }
        const key_range asked{some_key(random), some_key(random)};
        std::string next = asked.begin;
        index.for_each_in(asked, [&](const key_range& part, std::span<const std::uint32_t> in) {
            CHECK(part.begin == next);
            CHECK(numbers(in.begin(), in.end()) == found_one_by_one(all, part.begin));
            next = part.end;
        });
        if (!asked.empty()) CHECK(next == asked.end);
    }
}
