// SPDX-License-Identifier: Apache-2.0
#include "replication/master/replay.hpp"
#include "unit/replication/served.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;
using etcd::error_class;

namespace {

struct rig : served {
    using served::served;

    void open(const replay::start& from) {
        source.emplace(connect(), with, 5s, keys.cover(), from, selects(), std::size_t{1} << 20);
    }
    replay::start after(etcd::revision known, etcd::revision last_event = 0, std::string digest = {}) {
        replay::start out;
        out.known = known;
        out.last_event = last_event;
        out.event_digest = std::move(digest);
        return out;
    }

    /// Reads once. False if it failed.
    bool read(aio::clock::duration patience = 30s) {
        const auto done = loop.run(source->read(got), patience);
        if (!done) why = done.error();
        return done.has_value();
    }
    /// Reads until it fails. Returns the class of the error.
    error_class fails(aio::clock::duration patience = 1min) {
        while (read(patience)) {}
        return why.cls;
    }
    /// Reads until the position is `at`.
    void reach(etcd::revision at) {
        while (source->position() < at) REQUIRE_MESSAGE(read(), why.text);
    }

    /// The digest of a revision on the master as it is now.
    std::string digest(etcd::revision rev) {
        rig::open(after(rev, rev));
        while (source->event_digest().empty()) REQUIRE(read());
        std::string out = source->event_digest();
        source.reset();
        got.clear();
        return out;
    }
    [[nodiscard]] std::vector<etcd::revision> revisions() const {
        std::vector<etcd::revision> out;
        for (const log_entry& entry : got) out.push_back(entry.rev);
        return out;
    }

    std::deque<log_entry> got;
    std::optional<replay> source;
    etcd::error why;
};

using revs = std::vector<etcd::revision>;

}  // namespace

TEST_CASE("a replay from a revision with events knows the position at once, and does not repeat known revisions") {
    rig r;
    r.put("/a/1", "v");  // 2
    const std::string digest = r.digest(2);
    r.put("/a/2", "v");
    r.put("/elsewhere", "v");
    r.put("/a/3", "v");
    r.put("/elsewhere", "v");  // 6
    r.open(r.after(3, 2, digest));
    r.reach(6);
    CHECK(r.revisions() == revs{5});
    CHECK(r.source->proved());
    r.put("/a/4", "v");
    r.reach(7);
    CHECK(r.revisions() == revs{5, 7});
}

TEST_CASE("if the events of E differ, it is another history, and nothing is returned") {
    rig r;
    r.put("/a/1", "v");
    const std::string digest = r.digest(2);
    SUBCASE("another value") {
        r.server.cut();
        r.store = test::model_etcd();
        r.put("/a/1", "other");
    }
    SUBCASE("another key") {
        r.server.cut();
        r.store = test::model_etcd();
        r.put("/a/2", "v");
    }
    SUBCASE("no events in the cover, at E or later") {
        r.server.cut();
        r.store = test::model_etcd();
        r.put("/b/1", "v");
        r.open(r.after(2, 2, digest));
        CHECK(r.fails() == error_class::other_history);
    }
    SUBCASE("no selected events at E") {
        r.server.cut();
        r.store = test::model_etcd();
        r.put("/b/1", "v");
    }
    r.put("/a/9", "new history");
    r.open(r.after(2, 2, digest));
    CHECK(r.fails() == error_class::other_history);
    CHECK(r.got.empty());
}

TEST_CASE("if E has no events and the user may not read other keys, nothing is proved or disproved") {
    rig r;
    r.put("/a/1", "v");
    const std::string digest = r.digest(2);
    r.server.cut();
    r.store = test::model_etcd();
    r.put("/b/1", "v");
    r.server.denies = [](std::string_view key, std::string_view) { return !key.starts_with("/a/"); };
    r.open(r.after(2, 2, digest));
    CHECK(r.fails() == error_class::compacted);
    CHECK(r.got.empty());
}

TEST_CASE("a delete that is no proof any more because it was compacted does not mean another history") {
    rig r;
    r.put("/a/1", "v");
    r.del("/a/1");  // 3
    const std::string digest = r.digest(3);
    r.put("/a/2", "v");
    r.store.compact(3);
    r.open(r.after(3, 3, digest));
    CHECK(r.fails() == error_class::compacted);
    CHECK(r.got.empty());
}

TEST_CASE("a start below the compacted revision is reported") {
    rig r;
    for (int i = 0; i < 5; ++i) r.put("/a/1", "v");
    r.store.compact(5);
    r.open(r.after(2));
    CHECK(r.fails() == error_class::compacted);
}

TEST_CASE("a delete lost to a compaction at the very next revision is detected, with or without later changes") {
    for (const bool something_follows : {true, false}) {
        rig r;
        r.put("/a/1", "v");  // 2
        r.put("/a/2", "v");  // 3
        r.del("/a/1");       // 4
        r.store.compact(4);
        if (something_follows) r.put("/a/3", "v");
        r.open(r.after(3));
        CHECK(r.fails() == error_class::compacted);
        CHECK(r.got.empty());
    }
}

TEST_CASE("a compaction of known revisions only is not an error") {
    rig r;
    r.put("/a/1", "v");
    r.del("/a/1");  // 3
    r.store.compact(3);
    r.open(r.after(3));
    REQUIRE(r.read());
    r.put("/a/2", "v");
    r.reach(4);
    CHECK(r.revisions() == revs{4});
    // Compactions after a watch has caught up do not matter either.
    r.del("/a/2");
    r.store.compact(5);
    r.reach(5);
    CHECK(r.revisions() == revs{4, 5});
}

TEST_CASE("a delete lost to a compaction between two batches of one response is detected") {
    for (const bool compacted : {false, true}) {
        rig r;
        for (int i = 0; i < 1'000; ++i) r.put("/a/1", std::to_string(i));  // 2 .. 1001
        r.del("/a/1");                                                     // 1002
        r.put("/a/2", "v");
        r.open(r.after(1));
        r.reach(1'001);  // the first batch; its header says 1003
        CHECK(r.source->position() == 1'001);
        if (!compacted) {
            r.reach(1'003);
            CHECK(r.got.back().rev == 1'003);
            continue;
        }
        r.store.compact(1'002);
        CHECK(r.fails() == error_class::compacted);
        CHECK(r.got.back().rev == 1'001);
    }
}

TEST_CASE("a revision that is split across fragments is returned only once it is complete") {
    test::model_etcd::settings how;
    how.fragment_events = 2;
    rig r(how);
    for (const char* key : {"/a/1", "/a/2", "/a/3", "/a/4", "/a/5"}) r.put(key, "v");
    r.store.del("/a/", "/a0");  // 7
    r.open(r.after(5));
    r.reach(7);
    CHECK(r.revisions() == revs{6, 7});
    CHECK(r.got.back().changes.size() == 5);
}

TEST_CASE("a server that does not respond when it has to is an error; other silence is tolerated") {
    rig r;
    r.put("/a/1", "v");
    SUBCASE("no response to the create request") {
        r.fail(1, test::fault::lost);
        const auto before = r.loop.clock.now();
        r.open(r.after(2));
        CHECK(r.fails() == error_class::retry);
        CHECK(r.loop.clock.now() - before == 8s);
        CHECK(r.why.text == "m:1: no answer to a watch in time");
    }
    SUBCASE("no changes") {
        r.open(r.after(2));
        REQUIRE(r.read());
        r.loop.clock.advance(1h);
        r.put("/a/2", "v");
        r.reach(3);
    }
    SUBCASE("a progress notification moves the position") {
        r.open(r.after(2));
        REQUIRE(r.read());
        r.put("/b/2", "v");
        r.server.notify_progress();
        r.reach(3);
        CHECK(r.got.empty());
    }
}

TEST_CASE("cancellation ends a read") {
    rig r;
    r.open(r.after(1));
    REQUIRE(r.read());
    r.source->cancel();
    CHECK(r.fails() == error_class::cancelled);
}

TEST_CASE("whichever request fails, the returned revisions are correct, and no failure is taken for another history") {
    for (const test::fault what : test::every_fault) {
        for (std::uint64_t k = 1; k <= 3; ++k) {
            CAPTURE(test::to_string(what));
            CAPTURE(k);
            rig r;
            r.put("/a/1", "v");
            const std::string digest = r.digest(2);
            r.put("/a/2", "v");
            r.put("/a/3", "v");
            r.fail(k, what);
            r.open(r.after(2, 2, digest));
            bool good = true;
            while (good && r.source->position() < 4) good = r.read();
            if (good) {
                CHECK(r.revisions() == revs{3, 4});
            } else {
                CHECK((r.why.cls == error_class::retry || r.why.cls == error_class::ambiguous));
            }
        }
    }
}

TEST_CASE("a header revision far ahead of all events is verified, and a wrong one does not become the position") {
    rig r;
    r.put("/a/1", "v");
    r.open(r.after(2));
    REQUIRE(r.read());
    r.server.spoil = [](etcdserverpb::WatchResponse& answer) { answer.mutable_header()->set_revision(5'000'000); };
    SUBCASE("in a progress notification") { r.server.notify_progress(); }
    SUBCASE("with events") { r.put("/a/2", "v"); }
    CHECK(r.fails() == error_class::watch_violation);
    CHECK(r.got.empty());
}

TEST_CASE("a watch beyond the master's current revision does not wait forever (F6)") {
    rig r;
    r.put("/a/1", "v");
    r.open(r.after(1'000));
    CHECK(r.fails() == error_class::other_history);
    CHECK(r.why.text == "m:1: it reported revision 1000, but is at 2");
}

TEST_CASE("an endless replay of E is abandoned, and does not mean another history") {
    rig r;
    r.put("/a/1", "v");
    const std::string digest = r.digest(2);
    r.server.spoil = [](etcdserverpb::WatchResponse& answer) {
        if (answer.events_size() == 0) return;
        const etcdserverpb::Event first = answer.events(0);
        for (int i = 0; i < 20; ++i) {
            etcdserverpb::Event& more = *answer.add_events();
            more = first;
            more.mutable_kv()->set_key("/a/" + std::to_string(i));
            more.mutable_kv()->set_value(std::string(1U << 20, 'x'));
        }
        answer.set_fragment(true);
    };
    r.open(r.after(2, 2, digest));
    CHECK(r.fails() == error_class::compacted);
    CHECK(r.got.empty());
}

namespace {

aio::awaitable<> read_once(replay& of, std::optional<error_class>& out) {
    std::deque<log_entry> entries;
    const auto read = co_await of.read(entries);
    out = read ? error_class::cancelled : read.error().cls;
}

}  // namespace

TEST_CASE("a message that stops midway is an error; silence between messages is not") {
    rig r;
    r.put("/a/1", "v");
    r.open(r.after(2));
    REQUIRE(r.read());
    std::optional<error_class> ended;
    r.loop.tasks.spawn("reader", read_once(*r.source, ended));
    r.loop.clock.advance(1h);
    CHECK_FALSE(ended.has_value());
    r.server.cut_messages = true;
    r.put("/a/2", "half of it arrives");
    r.loop.clock.advance(15s);
    CHECK_FALSE(ended.has_value());
    r.loop.clock.advance(2min);
    CHECK(ended == error_class::retry);
}
