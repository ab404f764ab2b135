// SPDX-License-Identifier: Apache-2.0
#include "replication/master/proof_digest.hpp"

#include "base/random.hpp"
#include "support/count_allocations.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;
using test::built_event;
using test::del;
using test::events_message;
using test::put;

namespace {

const aio::clock::time_point now{};

bool is_ours(std::string_view key) { return key.starts_with("/a/"); }

/// Takes `events` of revision 5 in fragments of `size`, and what follows.
void take_all(proof_digest& by, const std::vector<built_event>& events, std::size_t size) {
    for (std::size_t at = 0; at < events.size(); at += size) {
        const auto first = events.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last = first + static_cast<std::ptrdiff_t>(std::min(size, events.size() - at));
        by.take(events_message(std::vector<built_event>(first, last), 9, last != events.end()), now);
    }
}

std::string expected(const std::vector<built_event>& events) {
    log_entry all = entry(5, events);
    std::erase_if(all.changes, [](const etcd::event& change) { return !is_ours(change.kv.key); });
    fold(all);
    return digest_of_events(all, is_ours);
}

/// Puts and deletes of revision 5, each key once, some of no rule.
std::vector<built_event> some_events(std::size_t count, std::size_t value) {
    std::vector<built_event> out;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string key = fmt::format("{}{:05}", i % 7 == 3 ? "/b/" : "/a/", i);
        out.push_back(i % 5 == 4 ? del(key, 5) : put(key, std::string(value, static_cast<char>('a' + i % 26)), 5));
    }
    return out;
}

}  // namespace

TEST_CASE("the digest is that of the revision as a whole, however large it is and however it arrives") {
    base::random_source random(3);
    for (const std::size_t value : {10U, 1'000U, 5'000U, 400'000U}) {
        const auto events = some_events(1 + random.next() % (value > 100'000 ? 10 : 400), value);
        for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{100}, events.size()}) {
            proof_digest digest(5, is_ours);
            digest.take(events_message({put("/a/before", "v", 4)}, 4), now);
            CHECK_FALSE(digest.complete());
            take_all(digest, events, size);
            CHECK(digest.complete());
            CHECK_FALSE(digest.impossible());
            CHECK(digest.hex() == expected(events));
        }
    }
}

TEST_CASE("a revision without selected events has no digest") {
    proof_digest digest(5, is_ours);
    digest.take(events_message({put("/b/1", "v", 5), put("/a/1", "v", 6)}, 9), now);
    CHECK(digest.complete());
    CHECK(digest.hex().empty());
}

TEST_CASE("the last event of a key counts; if it comes too late to be told, there is no proof, and no wrong one") {
    std::vector<built_event> events = some_events(20, 10);
    events.push_back(del("/a/00002", 5));
    proof_digest small(5, is_ours);
    take_all(small, events, 4);
    CHECK(small.hex() == expected(events));
    CHECK_FALSE(small.impossible());
    events = some_events(20, 50'000);
    events.push_back(del("/a/00002", 5));
    proof_digest large(5, is_ours);
    take_all(large, events, 4);
    CHECK(large.impossible());
}

TEST_CASE("the events of a large revision are not held: 8 MiB of puts, 100,000 deletes") {
    std::size_t count = 2'000;
    std::size_t value = 4'096;
    SUBCASE("puts") {}
    SUBCASE("deletes") {
        count = 100'000;
        value = 0;
    }
    proof_digest digest(5, is_ours);
    const std::size_t before = test::live_bytes;
    std::size_t most = 0;
    for (std::size_t i = 0; i < count; i += 20) {
        std::vector<built_event> part;
        for (std::size_t k = i; k < i + 20; ++k) {
            const std::string key = fmt::format("/a/{:08}", k);
            part.push_back(value == 0 ? del(key, 5) : put(key, std::string(value, 'v'), 5));
        }
        digest.take(events_message(std::move(part), 9, i + 20 < count), now);
        most = std::max(most, test::live_bytes - before);
    }
    CHECK(digest.complete());
    CHECK_FALSE(digest.hex().empty());
    CHECK_MESSAGE(most < (3U << 19), most << " bytes");
}

TEST_CASE("a revision without end is given up") {
    proof_digest digest(5, is_ours);
    std::size_t taken = 0;
    while (!digest.impossible()) {
        std::vector<built_event> part;
        for (int k = 0; k < 1'000; ++k) part.push_back(del(fmt::format("/a/{:08}", taken++), 5));
        digest.take(events_message(std::move(part), 9, true), now);
        REQUIRE(taken < 200'000);
    }
    CHECK(taken > 100'000);
    CHECK(digest.hex().empty());
}
