// SPDX-License-Identifier: Apache-2.0
#include "base/random.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using etcdsync::base::random_source;
using etcdsync::base::random_streams;

namespace {

std::vector<std::uint64_t> draws(random_source from, int count = 20) {
    std::vector<std::uint64_t> out;
    for (int i = 0; i < count; ++i) out.push_back(from.next());
    return out;
}

}  // namespace

TEST_CASE("draws of one stream do not change those of another") {
    const random_streams streams(7);
    const auto alone = draws(streams.stream("link a"));
    random_source other = streams.stream("link b");
    random_source own = streams.stream("link a");
    for (const std::uint64_t expected : alone) {
        other.next();
        other.unit();
        CHECK(own.next() == expected);
    }
}

TEST_CASE("the same seed and name repeat a stream; another seed or name gives another one") {
    CHECK(draws(random_streams(1).stream("feed")) == draws(random_streams(1).stream("feed")));
    std::set<std::uint64_t> first;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        for (const char* name : {"", "a", "b", "ab", "ba", "link default", "link default/rule"})
            first.insert(random_streams(seed).stream(name).next());
    }
    CHECK(first.size() == 700);
}

TEST_CASE("streams of neighboring seeds and names are spread over the whole range") {
    int high = 0;
    for (std::uint64_t i = 0; i < 1'000; ++i) {
        if (random_streams(i).stream("x").unit() >= 0.5) ++high;
        if (random_streams(1).stream(std::to_string(i)).unit() >= 0.5) ++high;
    }
    CHECK(high > 900);
    CHECK(high < 1'100);
}
