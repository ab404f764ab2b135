// SPDX-License-Identifier: Apache-2.0
#include "etcd/watch.hpp"
#include "support/builders.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

using namespace etcdsync;
using test::built_answer;
using test::built_event;
using test::decoded;
using test::del;
using test::put;
using kind = etcd::watch_message::kind;

namespace {

etcd::watch_query query(std::string key = "a", std::string range_end = "z") {
    etcd::watch_query out;
    out.key = std::move(key);
    out.range_end = std::move(range_end);
    return out;
}

etcd::watch_response created() {
    built_answer answer;
    answer.created = true;
    answer.store_revision = 5;
    return decoded(answer);
}

etcd::watch_response events(std::vector<built_event> what, etcd::revision store, bool fragment = false) {
    return test::events_message(std::move(what), store, fragment).response;
}

/// A checker whose watch stands.
struct standing {
    explicit standing(const etcd::watch_query& q = query()) : checker(q) {
        REQUIRE(checker.take(created())->what == kind::created);
    }
    etcd::watch_checker checker;

    [[nodiscard]] bool takes(etcd::watch_response response) { return checker.take(std::move(response)).has_value(); }
    [[nodiscard]] etcd::error_class refuses(etcd::watch_response response) {
        const auto taken = checker.take(std::move(response));
        REQUIRE(taken.has_error());
        return taken.error().cls;
    }
};

}  // namespace

TEST_CASE("created, events, progress and compaction are told apart") {
    standing s;
    CHECK(s.checker.take(events({put("b", "1", 6)}, 6))->what == kind::events);
    CHECK(s.checker.take(events({}, 9))->what == kind::progress);
    etcd::watch_response compacted;
    compacted.compact_revision = 3;
    compacted.canceled = true;
    CHECK(s.checker.take(compacted)->what == kind::compacted);
}

TEST_CASE("a compaction is told by its revision alone: 3.2 leaves canceled unset") {
    standing s;
    etcd::watch_response compacted;
    compacted.compact_revision = 3;
    CHECK(s.checker.take(compacted)->what == kind::compacted);
}

TEST_CASE("a canceled watch is an error that says why") {
    standing s;
    etcd::watch_response canceled;
    canceled.canceled = true;
    canceled.cancel_reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied";
    CHECK(s.refuses(canceled) == etcd::error_class::denied);
    canceled.cancel_reason.clear();
    const auto without_reason = s.checker.take(canceled);
    REQUIRE(without_reason.has_error());
    CHECK(without_reason.error().text.find("no reason") != std::string::npos);
}

TEST_CASE("a create that is refused is created and canceled at once") {
    etcd::watch_checker checker(query());
    etcd::watch_response refused;
    refused.created = true;
    refused.canceled = true;
    refused.watch_id = -1;
    refused.cancel_reason = "etcdserver: permission denied";
    const auto taken = checker.take(refused);
    REQUIRE(taken.has_error());
    CHECK(taken.error().cls == etcd::error_class::denied);
}

TEST_CASE("a reason with control characters is printed harmlessly") {
    standing s;
    etcd::watch_response canceled;
    canceled.canceled = true;
    canceled.cancel_reason = "\x1b[31mred";
    const auto taken = s.checker.take(canceled);
    REQUIRE(taken.has_error());
    CHECK(taken.error().text.find('\x1b') == std::string::npos);
}

TEST_CASE("created comes first and once") {
    etcd::watch_checker early(query());
    CHECK(early.take(events({put("b", "1", 6)}, 6)).error().cls == etcd::error_class::broken_contract);
    etcd::watch_checker silent(query());
    CHECK(silent.take(events({}, 6)).error().cls == etcd::error_class::broken_contract);
    standing twice;
    CHECK(twice.refuses(created()) == etcd::error_class::broken_contract);
}

TEST_CASE("events in order are taken, several of one revision and of one key included") {
    standing s;
    CHECK(s.takes(events({put("b", "1", 6), del("c", 6), put("b", "2", 6), put("b", "3", 7)}, 9)));
    CHECK(s.takes(events({del("b", 8)}, 9)));
}

TEST_CASE("events out of order are refused") {
    standing inside;
    CHECK(inside.refuses(events({put("b", "1", 7), put("b", "1", 6)}, 9)) == etcd::error_class::broken_contract);
    standing between;
    CHECK(between.takes(events({put("b", "1", 7)}, 9)));
    CHECK(between.refuses(events({put("c", "1", 6)}, 9)) == etcd::error_class::broken_contract);
}

TEST_CASE("a revision that was complete does not go on in the next answer") {
    standing s;
    CHECK(s.takes(events({put("b", "1", 7)}, 9)));
    CHECK(s.refuses(events({put("c", "1", 7)}, 9)) == etcd::error_class::broken_contract);
}

TEST_CASE("a revision cut by a fragment goes on, but does not come back later") {
    standing s;
    CHECK(s.takes(events({put("b", "1", 7)}, 9, true)));
    CHECK(s.takes(events({put("c", "1", 7), put("b", "1", 8)}, 9, true)));
    CHECK(s.takes(events({put("c", "1", 8)}, 9)));
    CHECK(s.refuses(events({put("d", "1", 8)}, 9)) == etcd::error_class::broken_contract);
}

TEST_CASE("progress in the middle of a fragmented answer is refused") {
    // Taken, it would end the revision that is still open: half of it would be applied.
    standing s;
    CHECK(s.takes(events({put("b", "1", 7)}, 9, true)));
    CHECK_FALSE(s.takes(events({}, 9)));
}

TEST_CASE("events outside the watch are refused") {
    CHECK(standing().refuses(events({put("A", "1", 6)}, 6)) == etcd::error_class::broken_contract);
    CHECK(standing().refuses(events({del("z", 6)}, 6)) == etcd::error_class::broken_contract);
    CHECK(standing().refuses(events({put("", "1", 6)}, 6)) == etcd::error_class::broken_contract);
    CHECK(standing(query("b", "")).refuses(events({put("bb", "1", 6)}, 6)) == etcd::error_class::broken_contract);
    CHECK(standing(query("b", std::string(1, '\0'))).takes(events({put("\xff", "1", 6)}, 6)));
}

TEST_CASE("an event without a key or revision is refused") {
    standing s;
    etcd::watch_response empty = events({put("b", "1", 6)}, 6);
    empty.events[0] = etcd::event();
    CHECK(s.refuses(empty) == etcd::error_class::broken_contract);
}

TEST_CASE("impossible revisions are refused before they poison a position") {
    constexpr etcd::revision highest = std::numeric_limits<etcd::revision>::max();
    CHECK(standing().refuses(events({put("b", "1", 0)}, 6)) == etcd::error_class::broken_contract);
    CHECK(standing().refuses(events({put("b", "1", -3)}, 6)) == etcd::error_class::broken_contract);
    CHECK(standing().refuses(events({put("b", "1", highest)}, 6)) == etcd::error_class::broken_contract);
    CHECK(standing().refuses(events({put("b", "1", 6)}, highest)) == etcd::error_class::broken_contract);
    CHECK(standing().refuses(events({put("b", "1", 6)}, -1)) == etcd::error_class::broken_contract);
}

TEST_CASE("progress at an impossible revision is refused, too") {
    CHECK_FALSE(standing().takes(events({}, std::numeric_limits<etcd::revision>::max())));
}

TEST_CASE("a PUT whose creation or version can not be is refused") {
    built_event late = put("b", "1", 6);
    late.create = 7;
    CHECK(standing().refuses(events({late}, 6)) == etcd::error_class::broken_contract);
    built_event never = put("b", "1", 6);
    never.version = 0;
    CHECK(standing().refuses(events({never}, 6)) == etcd::error_class::broken_contract);
    etcd::watch_response no_creation = events({put("b", "1", 6)}, 6);
    no_creation.events[0].kv.create_revision = 0;
    CHECK(standing().refuses(no_creation) == etcd::error_class::broken_contract);
}

TEST_CASE("an answer for a watch that is not ours is refused") {
    standing s;
    etcd::watch_response foreign = events({put("b", "1", 6)}, 6);
    foreign.watch_id = 9;
    CHECK_FALSE(s.takes(foreign));
}

TEST_CASE("an answer to a manual progress request is no position: 3.4 sends it before older events") {
    // faults.md F4. We send no such request; whoever shares the stream with us (a proxy) may.
    standing s;
    etcd::watch_response manual = events({}, 12'001);
    manual.watch_id = -1;
    const auto taken = s.checker.take(manual);
    CHECK((taken.has_error() || taken->what != kind::progress));
}

TEST_CASE("after an answer that was refused the position of the checker is still the last good one") {
    standing s;
    CHECK(s.takes(events({put("b", "1", 7)}, 9)));
    CHECK(s.refuses(events({put("b", "1", 8), put("A", "1", 9)}, 9)) == etcd::error_class::broken_contract);
    CHECK(s.takes(events({put("b", "1", 8)}, 9)));
}

TEST_CASE("a compaction that can not have touched what was asked for is a lie") {
    for (const etcd::revision at : {etcd::revision{-1}, etcd::revision{7}, (etcd::revision{1} << 53) + 1,
                                    std::numeric_limits<etcd::revision>::min()}) {
        etcd::watch_query from = query();
        from.start_revision = 7;
        standing s(from);
        etcd::watch_response compacted;
        compacted.compact_revision = at;
        compacted.canceled = true;
        CHECK(s.refuses(compacted) == etcd::error_class::broken_contract);
        compacted.compact_revision = 8;
        CHECK(s.checker.take(compacted)->what == kind::compacted);
    }
}

TEST_CASE("no store gets to 2^53") {
    constexpr etcd::revision beyond = (etcd::revision{1} << 53) + 1;
    CHECK(standing().refuses(events({put("b", "1", 6)}, beyond)) == etcd::error_class::broken_contract);
    CHECK(standing().refuses(events({}, beyond)) == etcd::error_class::broken_contract);
    CHECK(standing().refuses(events({put("b", "1", beyond)}, 6)) == etcd::error_class::broken_contract);
    CHECK(standing().takes(events({}, beyond - 1)));
}

TEST_CASE("nothing follows that lies below a progress notification") {
    standing s;
    CHECK(s.takes(events({put("b", "1", 7)}, 9)));
    CHECK(s.takes(events({}, 20)));
    CHECK(s.refuses(events({put("c", "1", 20)}, 21)) == etcd::error_class::broken_contract);
    CHECK(s.takes(events({put("c", "1", 21)}, 21)));
}

TEST_CASE("an answer of another cluster than the one that created the watch is refused") {
    standing s;
    etcd::watch_response foreign = events({put("b", "1", 6)}, 6);
    ++foreign.header.cluster_id;
    CHECK(s.refuses(foreign) == etcd::error_class::broken_contract);
}
