// SPDX-License-Identifier: Apache-2.0
#include "replication/master/revision_assembler.hpp"

#include "base/random.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;
using test::built_event;
using test::del;
using test::events_message;
using test::progress_message;
using test::put;

namespace {

const aio::clock::time_point now{};

/// A revision_assembler and its output, also as text: "6: +b=1 -c".
struct rig {
    explicit rig(
        revision known, revision_assembler::selector selects = [](std::string_view) { return true; },
        std::size_t largest = 1U << 20)
        : assembler(
              known, std::move(selects), [this](log_entry entry) { out.push_back(std::move(entry)); }, largest) {}

    std::vector<log_entry> out;
    revision_assembler assembler;

    void take(const etcd::watch_message& message) { assembler.take(message, now); }

    [[nodiscard]] std::vector<std::string> text() const {
        std::vector<std::string> lines;
        for (const log_entry& entry : out) {
            std::string line = std::to_string(entry.rev) + ":";
            for (const etcd::event& change : entry.changes) {
                const bool is_put = change.type == etcd::event_type::put;
                line += (is_put ? " +" : " -") + std::string(change.kv.key);
                if (is_put) line += "=" + std::string(change.kv.value);
            }
            lines.push_back(line);
        }
        return lines;
    }
};

using lines = std::vector<std::string>;

/// `count` revisions, starting at `from`.
std::vector<built_event> revisions(revision from, int count) {
    std::vector<built_event> out;
    for (int i = 0; i < count; ++i) out.push_back(put("k" + std::to_string(i), "v", from + i));
    return out;
}

}  // namespace

TEST_CASE("each revision of a response is emitted complete, and the header of an uncut response is the position") {
    rig f(5);
    f.take(events_message({put("a", "1", 6), del("b", 6), put("c", "2", 8)}, 11));
    CHECK(f.text() == lines{"6: +a=1 -b", "8: +c=2"});
    CHECK(f.assembler.position() == 11);
    CHECK_FALSE(f.assembler.was_cut());
}

TEST_CASE("the last event of a key in a revision wins (F2)") {
    rig f(5);
    f.take(events_message({put("a", "1", 6), put("b", "x", 6), del("a", 6), del("b", 6), put("b", "y", 6)}, 6));
    CHECK(f.text() == lines{"6: -a +b=y"});
}

TEST_CASE("changes of one key in two revisions remain two changes") {
    rig f(5);
    f.take(events_message({put("a", "1", 6), put("a", "2", 7)}, 7));
    CHECK(f.text() == lines{"6: +a=1", "7: +a=2"});
}

TEST_CASE("a response cut at 1,000 revisions is known only up to its last event, whatever its header says (F3)") {
    rig f(0);
    f.take(events_message(revisions(1, 1000), 12'001));
    CHECK(f.assembler.position() == 1000);
    CHECK(f.assembler.was_cut());
    f.take(events_message(revisions(1001, 999), 12'001));
    CHECK_FALSE(f.assembler.was_cut());
    CHECK(f.assembler.position() == 12'001);
    CHECK(f.out.size() == 1999);
}

TEST_CASE("a response with many events but few revisions is not cut") {
    rig f(0);
    std::vector<built_event> many;
    for (int i = 0; i < 3000; ++i) many.push_back(put("k" + std::to_string(i), "v", 1 + i / 1500));
    f.take(events_message(many, 50));
    CHECK(f.assembler.position() == 50);
    CHECK(f.out.size() == 2);
}

TEST_CASE("a revision that continues in the next fragment is emitted at its end, and the position waits for it") {
    rig f(5);
    f.take(events_message({put("a", "1", 6), put("b", "1", 7)}, 20, true));
    CHECK(f.text() == lines{"6: +a=1"});
    CHECK(f.assembler.position() == 6);
    f.take(events_message({put("c", "1", 7)}, 20, true));
    CHECK(f.assembler.position() == 6);
    f.take(events_message({put("d", "1", 7), put("a", "2", 9)}, 20));
    CHECK(f.text() == lines{"6: +a=1", "7: +b=1 +c=1 +d=1", "9: +a=2"});
    CHECK(f.assembler.position() == 20);
}

TEST_CASE("the last event of a key wins across fragments") {
    rig f(5);
    f.take(events_message({put("a", "1", 6)}, 6, true));
    f.take(events_message({del("a", 6)}, 6));
    CHECK(f.text() == lines{"6: -a"});
}

TEST_CASE("a fragmented response is cut if its fragments together have 1,000 revisions") {
    rig f(0);
    f.take(events_message(revisions(1, 600), 9000, true));
    f.take(events_message(revisions(601, 400), 9000));
    CHECK(f.assembler.was_cut());
    CHECK(f.assembler.position() == 1000);
    rig g(0);
    g.take(events_message(revisions(1, 600), 9000, true));
    g.take(events_message({put("more", "v", 600)}, 9000));
    CHECK_FALSE(g.assembler.was_cut());
    CHECK(g.assembler.position() == 9000);
}

TEST_CASE("the count of revisions starts again with each response") {
    rig f(0);
    f.take(events_message(revisions(1, 600), 600));
    f.take(events_message(revisions(601, 600), 5000));
    CHECK_FALSE(f.assembler.was_cut());
    CHECK(f.assembler.position() == 5000);
}

TEST_CASE("a progress notification moves the position, but never back") {
    rig f(5);
    f.take(progress_message(9));
    CHECK(f.assembler.position() == 9);
    f.take(progress_message(7));
    CHECK(f.assembler.position() == 9);
    CHECK(f.out.empty());
}

TEST_CASE("a created message does not move the position") {
    rig f(5);
    etcd::watch_message created = progress_message(100);
    created.what = etcd::watch_message::kind::created;
    f.take(created);
    CHECK(f.assembler.position() == 5);
}

TEST_CASE("known revisions are dropped, but the position still moves to the end of their response") {
    rig f(7);
    f.take(events_message({put("a", "1", 6), put("b", "1", 7), put("c", "1", 8)}, 8));
    CHECK(f.text() == lines{"8: +c=1"});
    CHECK(f.assembler.position() == 8);
    rig g(7);
    g.take(events_message({put("a", "1", 7)}, 30));
    CHECK(g.out.empty());
    CHECK(g.assembler.position() == 30);
}

TEST_CASE("known revisions count toward the cut, too") {
    rig f(999);
    f.take(events_message(revisions(1, 1000), 5000));
    CHECK(f.assembler.was_cut());
    CHECK(f.assembler.position() == 1000);
    CHECK(f.out.size() == 1);
}

TEST_CASE(
    "events that no rule selects are dropped and counted; a revision with only such events just moves the position") {
    rig f(5, [](std::string_view key) { return key.starts_with("a"); });
    f.take(events_message({put("a", "1", 6), put("b", "1", 6), put("b", "2", 7)}, 7));
    CHECK(f.text() == lines{"6: +a=1"});
    CHECK(f.assembler.position() == 7);
    CHECK(f.assembler.events_seen() == 3);
    CHECK(f.assembler.events_dropped() == 2);
}

TEST_CASE("an entry that is a small part of its buffer is copied out of it") {
    rig f(5, [](std::string_view key) { return key == "small"; });
    std::vector<built_event> events{put("small", "value", 6), put("large", std::string(100'000, 'x'), 6)};
    const auto message = events_message(events, 6);
    const std::weak_ptr<const std::string> buffer = message.response.owner;
    f.take(message);
    REQUIRE(f.out.size() == 1);
    REQUIRE(f.out[0].owners.size() == 1);
    CHECK(f.out[0].owners[0] != buffer.lock());
    CHECK(f.text() == lines{"6: +small=value"});
    CHECK(f.out[0].bytes < 1000);
}

TEST_CASE("an entry that is most of its buffer keeps the buffer, and its full size is counted") {
    rig f(5);
    const auto message = events_message({put("large", std::string(100'000, 'x'), 6)}, 6);
    f.take(message);
    REQUIRE(f.out.size() == 1);
    CHECK(f.out[0].owners[0] == message.response.owner);
    CHECK(f.out[0].bytes >= message.response.owner->size());
}

TEST_CASE("the counted bytes bound the memory in use, however small the entries of a shared buffer are") {
    base::random_source random(3);
    for (int round = 0; round < 30; ++round) {
        rig f(0, [](std::string_view key) { return key.back() != 'n'; });
        std::vector<built_event> events;
        for (revision rev = 1; rev < 40; ++rev) {
            for (std::uint64_t n = 1 + random.next() % 4; n > 0; --n) {
                events.push_back(put("k" + std::to_string(random.next() % 10) + (random.next() % 3 == 0 ? "n" : "y"),
                                     std::string(random.next() % 200, 'v'), rev));
            }
        }
        f.take(events_message(events, 40));
        std::size_t counted = 0;
        std::vector<base::shared_buffer> held;
        for (const log_entry& entry : f.out) {
            counted += entry.bytes;
            for (const auto& owner : entry.owners) {
                if (std::find(held.begin(), held.end(), owner) == held.end()) held.push_back(owner);
            }
        }
        std::size_t bytes = 0;
        for (const auto& owner : held) bytes += owner->size();
        CHECK(bytes <= counted);
    }
}

TEST_CASE("the result does not depend on how a response is split into fragments") {
    base::random_source random(4);
    for (int round = 0; round < 60; ++round) {
        std::vector<built_event> events;
        revision rev = 1;
        for (int i = 0; i < 60; ++i) {
            if (random.next() % 3 == 0) ++rev;
            const std::string key = "k" + std::to_string(random.next() % 6);
            events.push_back(random.next() % 4 == 0 ? del(key, rev) : put(key, std::to_string(i), rev));
        }
        rig whole(0);
        whole.take(events_message(events, rev + 5));
        rig pieces(0);
        for (std::size_t at = 0; at < events.size();) {
            const std::size_t size = std::min<std::size_t>(1 + random.next() % 10, events.size() - at);
            const auto from = events.begin() + static_cast<std::ptrdiff_t>(at);
            at += size;
            pieces.take(events_message({from, from + static_cast<std::ptrdiff_t>(size)}, rev + 5, at < events.size()));
            for (const log_entry& entry : pieces.out) REQUIRE(entry.rev <= pieces.assembler.position());
        }
        CHECK(whole.text() == pieces.text());
        CHECK(whole.assembler.position() == pieces.assembler.position());
    }
}

TEST_CASE("a revision above the memory limit is emitted in parts; the last one is marked, and moves the position") {
    constexpr std::size_t room_for_two = 2 * sizeof(etcd::event) + 10;
    rig f(
        3, [](std::string_view) { return true; }, room_for_two);
    f.take(events_message({put("a", "1", 4), put("b", "1", 5), put("c", "1", 5)}, 9, true));
    f.take(events_message({put("d", "1", 5), put("e", "1", 5)}, 9, true));
    CHECK(f.assembler.position() == 4);
    f.take(events_message({put("f", "1", 5), put("g", "1", 6)}, 9));
    CHECK(f.text() == lines{"4: +a=1", "5: +b=1 +c=1 +d=1", "5: +e=1 +f=1", "6: +g=1"});
    REQUIRE(f.out.size() == 4);
    CHECK(f.out[1].more_follows);
    CHECK_FALSE(f.out[1].is_tail);
    CHECK_FALSE(f.out[2].more_follows);
    CHECK(f.out[2].is_tail);
    CHECK_FALSE(f.out[3].is_tail);
    CHECK(f.assembler.position() == 9);
}

TEST_CASE("the last part of a large revision is emitted even if it is empty") {
    rig f(
        3, [](std::string_view key) { return key != "x"; }, sizeof(etcd::event));
    f.take(events_message({put("a", "1", 5)}, 9, true));
    f.take(events_message({put("x", "1", 5)}, 9));
    CHECK(f.text() == lines{"5: +a=1", "5:"});
    CHECK(f.out.back().is_tail);
}

TEST_CASE("a revision that changes a key twice is marked, because its events do not determine the number of keys") {
    rig f(3);
    f.take(events_message({put("a", "1", 5), del("a", 5), put("b", "1", 6)}, 9));
    REQUIRE(f.out.size() == 2);
    CHECK(f.out[0].repeats_keys);
    CHECK_FALSE(f.out[1].repeats_keys);
}

TEST_CASE("the buffers of a very long revision are not kept for the few keys in them") {
    rig f(3, [](std::string_view key) { return key == "ours"; });
    std::vector<std::weak_ptr<const std::string>> buffers;
    std::size_t held = 0;
    for (int i = 0; i < 50; ++i) {
        const auto message = events_message({put("theirs", std::string(10'000, 'x'), 5), put("ours", "1", 5)}, 9, true);
        buffers.push_back(message.response.owner);
        f.take(message);
        held = static_cast<std::size_t>(
            std::count_if(buffers.begin(), buffers.end(), [](const auto& b) { return !b.expired(); }));
    }
    CHECK(held <= 1);  // the current one
    f.take(events_message({put("ours", "last", 5)}, 9));
    CHECK(f.text() == lines{"5: +ours=last"});
}
