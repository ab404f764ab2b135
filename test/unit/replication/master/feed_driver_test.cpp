// SPDX-License-Identifier: Apache-2.0
#include "replication/master/feed.hpp"
#include "unit/replication/served.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

struct rig : served {
    void start() {
        loop.tasks.spawn("feed", source.run());
        loop.settle();
    }
    ~rig() {
        loop.tasks.cancel();  // its tasks use the members below
        loop.settle();
    }
    rig() = default;
    rig(const rig&) = delete;

    void pass(aio::clock::duration how_long) { loop.clock.advance(how_long); }
    [[nodiscard]] const replication::log& recent() const { return source.recent(); }
    [[nodiscard]] std::size_t held_since(etcd::revision rev) const { return recent().after(rev).size(); }
    [[nodiscard]] etcd::revision newest() const { return recent().after(0).back().rev; }

    etcd::cluster master{dialer, loop.clock, loop.tasks, options()};
    feed source{with, master, keys.cover(), selects(), 1U << 20, "http://m:1"};

    static etcd::cluster_options options() {
        etcd::cluster_options out;
        out.endpoints = {{"http://m:1", "m", 1, nullptr, {}}};
        return out;
    }
};

}  // namespace

TEST_CASE("the log starts at the master's revision and receives every selected revision; listeners are notified") {
    rig r;
    r.put("/a/1", "v");
    r.put("/b/1", "v");
    int calls = 0;
    const auto listening = r.source.on_change([&] { ++calls; });
    CHECK_FALSE(r.recent().started());
    r.start();
    CHECK(r.recent().position() == 3);
    CHECK(r.recent().generation() == 1);
    CHECK(r.source.connected());
    CHECK(r.source.cluster_id() == 0xcdf818194e3a8c32);
    r.put("/a/1", "w");
    r.put("/b/1", "w");
    r.put("/a/2", "w");
    const int before = calls;
    r.loop.settle();
    CHECK(calls > before);
    CHECK(r.recent().position() == 6);
    CHECK(r.held_since(3) == 2);
    CHECK(r.newest() == 6);
}

TEST_CASE("after an interruption the feed continues at its position, and the missed revisions are in the log") {
    rig r;
    r.start();
    r.put("/a/1", "v");
    r.loop.settle();
    r.server.refuse(true);
    r.server.cut();
    r.loop.settle();
    CHECK_FALSE(r.source.connected());
    r.put("/a/2", "missed");
    r.del("/a/1");
    r.pass(5min);
    CHECK(r.recent().position() == 2);
    r.server.refuse(false);
    r.pass(20s);
    CHECK(r.source.connected());
    CHECK(r.recent().generation() == 1);
    CHECK(r.recent().position() == 4);
    CHECK(r.held_since(1) == 3);
    CHECK(r.lines.count("connected to the master") == 2);
    CHECK(r.lines.count("the master is not reachable") == 1);
    CHECK(r.lines.count("the master is still not reachable; retrying cause=connect") == 1);
}

TEST_CASE(
    "if the known history does not continue on the master, a new generation starts at the master's current revision") {
    rig r;
    r.start();
    SUBCASE("no event was received that would prove the history") {}
    SUBCASE("the missed revisions were compacted") {
        r.put("/a/1", "v");
        r.loop.settle();
        r.server.cut();
        for (int i = 0; i < 3; ++i) r.store.put("/a/1", "missed");
        r.store.compact(r.store.revision());
    }
    SUBCASE("a delete at exactly the compacted revision") {
        r.put("/a/1", "v");
        r.loop.settle();
        r.server.cut();
        r.store.del("/a/1");
        r.store.compact(r.store.revision());
    }
    SUBCASE("wiped and refilled beyond the known revision") {
        r.put("/a/1", "v");
        r.loop.settle();
        r.server.cut();
        r.store = test::model_etcd();
        for (int i = 0; i < 5; ++i) r.store.put("/a/1", "other");
    }
    SUBCASE("rewound") {
        r.put("/a/1", "v");
        r.put("/a/1", "v");
        r.loop.settle();
        r.server.cut();
        r.store = test::model_etcd();
    }
    SUBCASE("another cluster") {
        r.put("/a/1", "v");
        r.loop.settle();
        r.server.cut();
        test::model_etcd::settings how;
        how.cluster_id = 9;
        r.store = test::model_etcd(how);
        r.store.put("/a/1", "v");
    }
    r.server.cut();
    r.pass(20s);
    CHECK(r.source.connected());
    CHECK(r.recent().generation() == 2);
    CHECK(r.recent().position() == r.store.revision());
    CHECK(r.held_since(0) == 0);
    const auto rev = r.put("/a/9", "later");
    r.loop.settle();
    CHECK(r.recent().position() == rev);
}

TEST_CASE("the master counts as connected only once the watch is open") {
    rig r;
    r.fail(2, test::fault::lost);
    r.start();
    r.pass(7s);
    CHECK_FALSE(r.source.connected());
    r.pass(10s);
    CHECK(r.source.connected());
}

TEST_CASE("a master that is silent on an open connection is detected") {
    rig r;
    r.start();
    r.server.stall(true);
    r.pass(16s);
    CHECK_FALSE(r.source.connected());
    CHECK(r.source.current().cause.find("no sign of life") != std::string::npos);
    r.put("/a/1", "v");
    r.server.stall(false);
    r.pass(20s);
    CHECK(r.source.connected());
    CHECK(r.recent().position() == 2);
}

TEST_CASE("whichever request fails, the log is correct in the end") {
    for (const test::fault what : test::every_fault) {
        for (std::uint64_t k = 1; k <= 5; ++k) {
            CAPTURE(test::to_string(what));
            CAPTURE(k);
            rig r;
            r.fail(k, what);
            r.start();
            r.pass(20s);
            r.put("/a/1", "v");
            r.loop.settle();
            r.server.cut();
            r.put("/a/2", "v");
            r.pass(1min);
            r.put("/a/3", "v");
            r.loop.settle();
            CHECK(r.source.connected());
            CHECK(r.recent().position() == 4);
            CHECK(r.held_since(1) == 3);
            // If the first watch fails, no event was received yet that would prove the history.
            CHECK(r.recent().generation() == (k == 2 ? 2 : 1));
        }
    }
}

TEST_CASE("a master that keeps reporting a compaction is retried at growing intervals, and this is logged once") {
    rig r;
    r.put("/a/1", "v");
    r.server.spoil = [](etcdserverpb::WatchResponse& answer) {
        answer.set_created(false);
        answer.set_canceled(true);
        answer.set_compact_revision(1'000);
    };
    r.start();
    r.pass(1min);
    CHECK(r.server.requests() < 40);
    CHECK(r.lines.count("the master compacted revisions") == 1);
    CHECK(r.lines.count("not reachable") == 1);
    r.server.spoil = nullptr;
    r.pass(20s);
    CHECK(r.source.connected());
}

TEST_CASE("a feed whose selected keys change continues at its position, in the same generation") {
    rig r;
    r.start();
    r.put("/a/1", "v");
    r.loop.settle();
    const mapping more = mapping_of({prefix_rule("/a/"), prefix_rule("/b/")});
    const mapping others = mapping_of({prefix_rule("/b/")});
    const mapping* chosen = &more;
    SUBCASE("more keys") {}
    SUBCASE("other keys, which do not include that of the last known event") { chosen = &others; }
    r.put("/b/1", "before: not in the log");
    r.put("/b/2", "on its way");
    r.source.select(chosen->cover(), [chosen](std::string_view key) { return chosen->rule_of(key).has_value(); });
    const auto since = r.source.selected_since();
    CHECK(since.since == r.recent().position());
    CHECK(since.generation == 1);
    r.pass(3s);
    CHECK(r.source.connected());
    const auto continuity = r.source.continuity();
    CHECK(r.recent().generation() == 1);
    r.put("/b/3", "after");
    r.put("/a/2", "after");
    r.pass(3s);
    const etcd::revision last = chosen == &more ? 6 : 5;
    CHECK(r.newest() == last);
    CHECK(r.recent().holds_all_since(since.since, since));
    CHECK_FALSE(r.recent().holds_all_since(since.since - 1, since));
    CHECK(r.recent().holds_all_since(since.since - 1));
    CHECK(r.held_since(since.since) == static_cast<std::size_t>(last - since.since));
    CHECK(r.lines.count("the master is not reachable") == 0);
    // From now on the new events prove the master's history.
    r.server.cut();
    r.put("/b/4", "after a break");
    r.pass(3s);
    CHECK(r.newest() == 7);
    CHECK(r.recent().generation() == 1);
    CHECK(r.source.continuity() == continuity);
}

TEST_CASE("a wipe of the master while the selected keys change is detected") {
    rig r;
    r.start();
    r.put("/a/1", "v");
    r.loop.settle();
    r.store = test::model_etcd();
    for (int i = 0; i < 5; ++i) r.store.put("/a/1", "other");
    const mapping more = mapping_of({prefix_rule("/a/"), prefix_rule("/b/")});
    r.source.select(more.cover(), [&more](std::string_view key) { return more.rule_of(key).has_value(); });
    r.pass(20s);
    CHECK(r.recent().generation() == 2);
}

TEST_CASE("a feed that may no longer read its former keys continues, but without proof of the history") {
    rig r;
    r.start();
    r.put("/a/1", "v");
    r.loop.settle();
    const auto continuity = r.source.continuity();
    r.server.denies = [](std::string_view key, std::string_view) { return !key.starts_with("/b/"); };
    const mapping others = mapping_of({prefix_rule("/b/")});
    r.source.select(others.cover(), [&others](std::string_view key) { return others.rule_of(key).has_value(); });
    r.put("/b/1", "v");
    r.pass(20s);
    CHECK(r.source.connected());
    CHECK(r.recent().position() == 3);
    CHECK(r.recent().generation() == 1);
    CHECK(r.source.continuity() > continuity);
}

TEST_CASE(
    "if the selected keys change twice in a row, or while the feed is disconnected, it reads the last selection") {
    rig r;
    r.start();
    r.put("/a/1", "v");
    r.loop.settle();
    const mapping first = mapping_of({prefix_rule("/b/")});
    const mapping second = mapping_of({prefix_rule("/c/")});
    SUBCASE("connected") {}
    SUBCASE("disconnected") {
        r.server.refuse(true);
        r.server.cut();
        r.pass(1s);
    }
    r.source.select(first.cover(), [&first](std::string_view key) { return first.rule_of(key).has_value(); });
    r.loop.settle();
    r.source.select(second.cover(), [&second](std::string_view key) { return second.rule_of(key).has_value(); });
    r.server.refuse(false);
    r.put("/b/1", "v");
    r.put("/c/1", "v");
    r.pass(20s);
    CHECK(r.recent().generation() == 1);
    CHECK(r.newest() == 4);
    CHECK(r.held_since(2) == 1);
}
