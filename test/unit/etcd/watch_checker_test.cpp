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

/// A checker whose watch is established.
struct established {
    explicit established(const etcd::watch_query& q = query()) : checker(q) {
        REQUIRE(checker.check(created())->what == kind::created);
    }
    etcd::watch_checker checker;

    [[nodiscard]] bool accepts(etcd::watch_response response) { return checker.check(std::move(response)).has_value(); }
    [[nodiscard]] etcd::error_class refuses(etcd::watch_response response) {
        const auto checked = checker.check(std::move(response));
        REQUIRE(checked.has_error());
        return checked.error().cls;
    }
};

}  // namespace

TEST_CASE("created, events, progress and compaction are distinguished") {
    established s;
    CHECK(s.checker.check(events({put("b", "1", 6)}, 6))->what == kind::events);
    CHECK(s.checker.check(events({}, 9))->what == kind::progress);
    etcd::watch_response compacted;
    compacted.compact_revision = 3;
    compacted.canceled = true;
    CHECK(s.checker.check(compacted)->what == kind::compacted);
}

TEST_CASE("a compaction is recognized by its revision alone, because 3.2 leaves canceled unset") {
    established s;
    etcd::watch_response compacted;
    compacted.compact_revision = 3;
    CHECK(s.checker.check(compacted)->what == kind::compacted);
}

TEST_CASE("a canceled watch is an error with the reason") {
    established s;
    etcd::watch_response canceled;
    canceled.canceled = true;
    canceled.cancel_reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied";
    CHECK(s.refuses(canceled) == etcd::error_class::denied);
    canceled.cancel_reason.clear();
    const auto without_reason = s.checker.check(canceled);
    REQUIRE(without_reason.has_error());
    CHECK(without_reason.error().text.find("no reason") != std::string::npos);
}

TEST_CASE("a refused creation is created and canceled in one message") {
    etcd::watch_checker checker(query());
    etcd::watch_response refused;
    refused.created = true;
    refused.canceled = true;
    refused.watch_id = -1;
    refused.cancel_reason = "etcdserver: permission denied";
    const auto checked = checker.check(refused);
    REQUIRE(checked.has_error());
    CHECK(checked.error().cls == etcd::error_class::denied);
}

TEST_CASE("control characters in a reason are escaped") {
    established s;
    etcd::watch_response canceled;
    canceled.canceled = true;
    canceled.cancel_reason = "\x1b[31mred";
    const auto checked = s.checker.check(canceled);
    REQUIRE(checked.has_error());
    CHECK(checked.error().text.find('\x1b') == std::string::npos);
}

TEST_CASE("created comes first and once") {
    etcd::watch_checker early(query());
    CHECK(early.check(events({put("b", "1", 6)}, 6)).error().cls == etcd::error_class::watch_violation);
    etcd::watch_checker silent(query());
    CHECK(silent.check(events({}, 6)).error().cls == etcd::error_class::watch_violation);
    established twice;
    CHECK(twice.refuses(created()) == etcd::error_class::watch_violation);
}

TEST_CASE("events in order are accepted, even several of one revision and of one key") {
    established s;
    CHECK(s.accepts(events({put("b", "1", 6), del("c", 6), put("b", "2", 6), put("b", "3", 7)}, 9)));
    CHECK(s.accepts(events({del("b", 8)}, 9)));
}

TEST_CASE("events out of order are refused") {
    established inside;
    CHECK(inside.refuses(events({put("b", "1", 7), put("b", "1", 6)}, 9)) == etcd::error_class::watch_violation);
    established between;
    CHECK(between.accepts(events({put("b", "1", 7)}, 9)));
    CHECK(between.refuses(events({put("c", "1", 6)}, 9)) == etcd::error_class::watch_violation);
}

TEST_CASE("a complete revision does not continue in the next response") {
    established s;
    CHECK(s.accepts(events({put("b", "1", 7)}, 9)));
    CHECK(s.refuses(events({put("c", "1", 7)}, 9)) == etcd::error_class::watch_violation);
}

TEST_CASE("a revision that a fragment split continues, but does not occur again later") {
    established s;
    CHECK(s.accepts(events({put("b", "1", 7)}, 9, true)));
    CHECK(s.accepts(events({put("c", "1", 7), put("b", "1", 8)}, 9, true)));
    CHECK(s.accepts(events({put("c", "1", 8)}, 9)));
    CHECK(s.refuses(events({put("d", "1", 8)}, 9)) == etcd::error_class::watch_violation);
}

TEST_CASE("progress inside a fragmented response is refused") {
    // If accepted, it would end the open revision, and half of it would be applied.
    established s;
    CHECK(s.accepts(events({put("b", "1", 7)}, 9, true)));
    CHECK_FALSE(s.accepts(events({}, 9)));
}

TEST_CASE("events outside the watch are refused") {
    CHECK(established().refuses(events({put("A", "1", 6)}, 6)) == etcd::error_class::watch_violation);
    CHECK(established().refuses(events({del("z", 6)}, 6)) == etcd::error_class::watch_violation);
    CHECK(established().refuses(events({put("", "1", 6)}, 6)) == etcd::error_class::watch_violation);
    CHECK(established(query("b", "")).refuses(events({put("bb", "1", 6)}, 6)) == etcd::error_class::watch_violation);
    CHECK(established(query("b", std::string(1, '\0'))).accepts(events({put("\xff", "1", 6)}, 6)));
}

TEST_CASE("an event without a key or revision is refused") {
    established s;
    etcd::watch_response empty = events({put("b", "1", 6)}, 6);
    empty.events[0] = etcd::event();
    CHECK(s.refuses(empty) == etcd::error_class::watch_violation);
}

TEST_CASE("impossible revisions are refused before they become a position") {
    constexpr etcd::revision highest = std::numeric_limits<etcd::revision>::max();
    CHECK(established().refuses(events({put("b", "1", 0)}, 6)) == etcd::error_class::watch_violation);
    CHECK(established().refuses(events({put("b", "1", -3)}, 6)) == etcd::error_class::watch_violation);
    CHECK(established().refuses(events({put("b", "1", highest)}, 6)) == etcd::error_class::watch_violation);
    CHECK(established().refuses(events({put("b", "1", 6)}, highest)) == etcd::error_class::watch_violation);
    CHECK(established().refuses(events({put("b", "1", 6)}, -1)) == etcd::error_class::watch_violation);
}

TEST_CASE("progress at an impossible revision is refused too") {
    CHECK_FALSE(established().accepts(events({}, std::numeric_limits<etcd::revision>::max())));
}

TEST_CASE("a PUT with an impossible create revision or version is refused") {
    built_event late = put("b", "1", 6);
    late.create = 7;
    CHECK(established().refuses(events({late}, 6)) == etcd::error_class::watch_violation);
    built_event never = put("b", "1", 6);
    never.version = 0;
    CHECK(established().refuses(events({never}, 6)) == etcd::error_class::watch_violation);
    etcd::watch_response no_creation = events({put("b", "1", 6)}, 6);
    no_creation.events[0].kv.create_revision = 0;
    CHECK(established().refuses(no_creation) == etcd::error_class::watch_violation);
}

TEST_CASE("a response for another watch is refused") {
    established s;
    etcd::watch_response foreign = events({put("b", "1", 6)}, 6);
    foreign.watch_id = 9;
    CHECK_FALSE(s.accepts(foreign));
}

TEST_CASE("the answer to a manual progress request is not a position, because 3.4 sends it before older events") {
    // faults.md F4. We send no such request, but a proxy that shares the stream can.
    established s;
    etcd::watch_response manual = events({}, 12'001);
    manual.watch_id = -1;
    const auto checked = s.checker.check(manual);
    CHECK((checked.has_error() || checked->what != kind::progress));
}

TEST_CASE("after a refused response the position of the checker is still the last valid one") {
    established s;
    CHECK(s.accepts(events({put("b", "1", 7)}, 9)));
    CHECK(s.refuses(events({put("b", "1", 8), put("A", "1", 9)}, 9)) == etcd::error_class::watch_violation);
    CHECK(s.accepts(events({put("b", "1", 8)}, 9)));
}

TEST_CASE("a compaction that does not concern the requested revisions is refused") {
    for (const etcd::revision at : {etcd::revision{-1}, etcd::revision{7}, (etcd::revision{1} << 53) + 1,
                                    std::numeric_limits<etcd::revision>::min()}) {
        etcd::watch_query from = query();
        from.start_revision = 7;
        established s(from);
        etcd::watch_response compacted;
        compacted.compact_revision = at;
        compacted.canceled = true;
        CHECK(s.refuses(compacted) == etcd::error_class::watch_violation);
        compacted.compact_revision = 8;
        CHECK(s.checker.check(compacted)->what == kind::compacted);
    }
}

TEST_CASE("revisions above 2^53 are refused") {
    constexpr etcd::revision beyond = (etcd::revision{1} << 53) + 1;
    CHECK(established().refuses(events({put("b", "1", 6)}, beyond)) == etcd::error_class::watch_violation);
    CHECK(established().refuses(events({}, beyond)) == etcd::error_class::watch_violation);
    CHECK(established().refuses(events({put("b", "1", beyond)}, 6)) == etcd::error_class::watch_violation);
    CHECK(established().accepts(events({}, beyond - 1)));
}

TEST_CASE("events at or below a progress notification are refused after it") {
    established s;
    CHECK(s.accepts(events({put("b", "1", 7)}, 9)));
    CHECK(s.accepts(events({}, 20)));
    CHECK(s.refuses(events({put("c", "1", 20)}, 21)) == etcd::error_class::watch_violation);
    CHECK(s.accepts(events({put("c", "1", 21)}, 21)));
}

TEST_CASE("a response from another cluster than the one that created the watch is refused") {
    established s;
    etcd::watch_response foreign = events({put("b", "1", 6)}, 6);
    ++foreign.header.cluster_id;
    CHECK(s.refuses(foreign) == etcd::error_class::watch_violation);
}
