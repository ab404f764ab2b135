// SPDX-License-Identifier: Apache-2.0
#include "replication/master/known_history.hpp"

#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace etcdsync;
using namespace etcdsync::replication;
using etcd::error_class;
using window_log = etcdsync::replication::log;  // <cmath> declares ::log

namespace {

/// A feed that has read revision 8 of cluster 1 and knows everything up to revision 9.
struct rig {
    rig() {
        static_cast<void>(history.check(header(1, 5), recent));
        recent.restart(5);
        add(entry(8, {test::put("/a/1", "v", 8)}));
        recent.advance_position(9);
    }
    void add(log_entry entry) {
        history.record(entry, all);
        recent.append(std::move(entry));
    }
    static etcd::response_header header(std::uint64_t cluster, revision rev) {
        etcd::response_header out;
        out.cluster_id = cluster;
        out.store_revision = rev;
        return out;
    }
    static std::shared_ptr<const selection> select(std::string prefix) {
        selection out;
        out.selects = [prefix](std::string_view key) { return key.starts_with(prefix); };
        return std::make_shared<const selection>(std::move(out));
    }

    window_log recent{1U << 20};
    known_history history;
    std::shared_ptr<const selection> all = select("");
};

}  // namespace

TEST_CASE("before the first read nothing is known, so the log must start") {
    const window_log recent(100);
    known_history history;
    CHECK(history.check(rig::header(3, 5), recent) == history_change::not_continued);
    CHECK(history.cluster_id() == 3);
    CHECK(history.last_event().rev == 0);
    CHECK(history.doubts() == 0);
}

TEST_CASE("a log with an event to replay continues at its position or above") {
    rig r;
    CHECK(r.history.check(rig::header(1, 9), r.recent) == history_change::none);
    CHECK(r.history.check(rig::header(1, 100), r.recent) == history_change::none);
    CHECK(r.history.last_event().rev == 8);
    CHECK(r.history.last_event().selected == r.all);
    CHECK_FALSE(r.history.last_event().digest.empty());
}

TEST_CASE("a log that does not lead to the master's history must restart, and E is dropped") {
    rig r;
    SUBCASE("the revision is below the position") {
        CHECK(r.history.check(rig::header(1, 8), r.recent) == history_change::went_backwards);
    }
    SUBCASE("another cluster, at any revision") {
        CHECK(r.history.check(rig::header(2, 8), r.recent) == history_change::other_cluster);
        CHECK(r.history.cluster_id() == 2);
    }
    SUBCASE("revisions after the position are compacted") {
        r.history.note_failure(error_class::compacted);
        CHECK(r.history.check(rig::header(1, 9), r.recent) == history_change::not_continued);
    }
    SUBCASE("the events of E are different now") {
        r.history.note_failure(error_class::other_history);
        CHECK(r.history.check(rig::header(1, 9), r.recent) == history_change::not_continued);
    }
    CHECK(r.history.last_event().rev == 0);
    CHECK(r.history.last_event().selected == nullptr);
    // After the restart it continues once there is a new E.
    r.recent.restart(20);
    CHECK(r.history.check(rig::header(r.history.cluster_id(), 20), r.recent) == history_change::not_continued);
    r.add(entry(21, {test::put("/a/1", "v", 21)}));
    CHECK(r.history.check(rig::header(r.history.cluster_id(), 21), r.recent) == history_change::none);
}

TEST_CASE("other failures do not require a restart of the log") {
    rig r;
    for (const error_class why : {error_class::retry, error_class::denied, error_class::bad_peer,
                                  error_class::watch_violation, error_class::cancelled}) {
        CAPTURE(etcd::to_string(why));
        CHECK_FALSE(loses_history(why));
        r.history.note_failure(why);
        CHECK(r.history.check(rig::header(1, 9), r.recent) == history_change::none);
    }
}

TEST_CASE("E is the last entry whose events are kept") {
    rig r;
    log_entry next = entry(10, {test::put("/a/2", "v", 10)});
    SUBCASE("not a mass delete") { next.mass_delete.emplace(); }
    SUBCASE("not a part of a large revision") { next.more_follows = true; }
    SUBCASE("not its tail") { next.is_tail = true; }
    r.add(std::move(next));
    CHECK(r.history.last_event().rev == 8);
    r.add(entry(11, {test::put("/a/3", "v", 11)}));
    CHECK(r.history.last_event().rev == 11);
}

TEST_CASE("the digest of E covers the selected events, and E refers to the selection") {
    rig r;
    const auto some = rig::select("/a/");
    const auto none = rig::select("/c/");
    const log_entry both = entry(10, {test::put("/a/2", "v", 10), test::put("/b/2", "v", 10)});
    r.history.record(both, some);
    CHECK(r.history.last_event().digest == digest_of_events(both, some->selects));
    CHECK(r.history.last_event().selected == some);
    CHECK(digest_of_events(both, some->selects) != digest_of_events(both, r.all->selects));
    r.history.record(both, none);
    CHECK(r.history.last_event().selected == none);
}

TEST_CASE("watch violations and watches without a proof are doubts; lost connections are not") {
    rig r;
    r.history.note_failure(error_class::retry);
    r.history.note_failure(error_class::compacted);
    CHECK(r.history.doubts() == 0);
    r.history.note_failure(error_class::watch_violation);
    CHECK(r.history.doubts() == 1);
    r.history.note_unproven();
    CHECK(r.history.doubts() == 2);
}

TEST_CASE("a revision below one that any read showed is a step back; each such step and other events count for ever") {
    rig r;
    r.history.note_seen(200);
    CHECK(r.history.check(rig::header(1, 210), r.recent, 200) == history_change::none);
    CHECK(r.history.seen() == 210);
    CHECK(r.history.contradictions() == 0);
    // A read that was sent before another one saw 210 may answer less.
    CHECK(r.history.check(rig::header(1, 205), r.recent, 200) == history_change::none);
    CHECK(r.history.check(rig::header(1, 160), r.recent, 210) == history_change::went_backwards);
    CHECK(r.history.contradictions() == 1);
    CHECK(r.history.seen() == 160);
    r.history.note_failure(error_class::other_history);
    CHECK(r.history.contradictions() == 2);
    CHECK(r.history.check(rig::header(2, 5), r.recent, 160) == history_change::other_cluster);
    CHECK(r.history.contradictions() == 2);  // the right cluster may come back
    CHECK(r.history.seen() == 5);
}
