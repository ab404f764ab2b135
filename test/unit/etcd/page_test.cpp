// SPDX-License-Identifier: Apache-2.0
#include "etcd/kv.hpp"
#include "support/builders.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

using namespace etcdsync;
using test::page;

namespace {

etcd::range_query query(std::string key, std::string range_end, std::int64_t limit = 0) {
    etcd::range_query out;
    out.key = std::move(key);
    out.range_end = std::move(range_end);
    out.limit = limit;
    return out;
}

const std::string nul(1, '\0');

}  // namespace

TEST_CASE("a page that matches the query is accepted") {
    CHECK(etcd::check_page(query("a", "c"), page({{"a", "1"}, {"b", ""}})).empty());
    CHECK(etcd::check_page(query("a", "c"), page({})).empty());
    CHECK(etcd::check_page(query("a", ""), page({{"a", "1"}})).empty());
    CHECK(etcd::check_page(query("a", "z", 2), page({{"a", "1"}, {"b", "2"}}, true)).empty());
    CHECK(etcd::check_page(query(nul, nul), page({{nul, "1"}, {"\xff\xff", "2"}})).empty());
}

TEST_CASE("a page that announces more keys but has none is refused, because it would be requested forever") {
    CHECK_FALSE(etcd::check_page(query("a", "c", 5), page({}, true)).empty());
}

TEST_CASE("keys that are out of order, repeated or empty are refused") {
    CHECK_FALSE(etcd::check_page(query("a", "z"), page({{"b", "1"}, {"a", "2"}})).empty());
    CHECK_FALSE(etcd::check_page(query("a", "z"), page({{"b", "1"}, {"b", "1"}})).empty());
    CHECK_FALSE(etcd::check_page(query(nul, nul), page({{"", "1"}})).empty());
    CHECK_FALSE(
        etcd::check_page(query("a", "z"), page({{"b\xff", "1"}, {"b\x01", "2"}})).empty());  // bytes are unsigned
}

TEST_CASE("keys outside the range are refused") {
    CHECK_FALSE(etcd::check_page(query("b", "d"), page({{"a", "1"}})).empty());
    CHECK_FALSE(etcd::check_page(query("b", "d"), page({{"d", "1"}})).empty());
    CHECK_FALSE(etcd::check_page(query("b", ""), page({{"b\x01", "1"}})).empty());
    CHECK_FALSE(etcd::check_page(query("b", nul), page({{"a", "1"}})).empty());
}

TEST_CASE("more keys than requested are refused") {
    CHECK_FALSE(etcd::check_page(query("a", "z", 1), page({{"a", "1"}, {"b", "1"}})).empty());
}

TEST_CASE("the page after a key never has that key again") {
    const etcd::range_query next = query("b" + nul, "z", 3);
    CHECK_FALSE(etcd::check_page(next, page({{"b", "1"}}, true)).empty());
}

TEST_CASE("a key too large for a checkpoint is refused") {
    CHECK(etcd::check_page(query("a", "z"), page({{std::string(1U << 20, 'b'), "1"}})).empty());
    CHECK_FALSE(etcd::check_page(query("a", "z"), page({{std::string((1U << 20) + 1, 'b'), "1"}})).empty());
}

TEST_CASE("impossible revisions are refused") {
    CHECK_FALSE(etcd::check_page(query("a", "z"), page({{"a", "1", 0}})).empty());
    CHECK_FALSE(etcd::check_page(query("a", "z"), page({{"a", "1", -5}})).empty());
    etcd::range_page wrong = page({{"a", "1", 5}});
    wrong.kvs[0].create_revision = 6;
    CHECK_FALSE(etcd::check_page(query("a", "z"), wrong).empty());
    wrong.kvs[0].create_revision = 0;
    CHECK_FALSE(etcd::check_page(query("a", "z"), wrong).empty());
}

TEST_CASE("a page at a revision has no later revision") {
    etcd::range_query at = query("a", "z");
    at.at = 10;
    CHECK(etcd::check_page(at, page({{"a", "1", 10}})).empty());
    CHECK_FALSE(etcd::check_page(at, page({{"a", "1", 11}})).empty());
}

TEST_CASE("a page with an impossible store revision or count is refused") {
    for (const etcd::revision store : {etcd::revision{-1}, (etcd::revision{1} << 53) + 1}) {
        CHECK_FALSE(etcd::check_page(query("a", "z"), page({{"a", "1"}}, false, store)).empty());
    }
    CHECK_FALSE(etcd::check_page(query("a", "z"), page({{"a", "1", (etcd::revision{1} << 53) + 1}})).empty());
    for (const std::int64_t count :
         {std::int64_t{-1}, std::int64_t{1} << 41, std::numeric_limits<std::int64_t>::max()}) {
        etcd::range_page counted = page({});
        counted.count = count;
        CHECK_FALSE(etcd::check_page(query("a", "z"), counted).empty());
    }
}

TEST_CASE("a query without a limit has one too: one for a single key, thousands for a range") {
    CHECK_FALSE(etcd::check_page(query("a", ""), page({{"a", "1"}, {"a", "1"}})).empty());
    std::vector<test::built_key> many;
    for (int i = 0; i < 10'001; ++i) many.push_back({"b" + std::to_string(100'000 + i), "1"});
    CHECK_FALSE(etcd::check_page(query("a", "z"), page(many)).empty());
    many.pop_back();
    CHECK(etcd::check_page(query("a", "z"), page(many)).empty());
}
