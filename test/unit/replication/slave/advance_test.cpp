// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/advance.hpp"

#include "replication/master/revision_assembler.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <utility>

using namespace etcdsync;
using namespace etcdsync::replication;
using test::del;
using test::put;

namespace {

const std::optional<std::string> everything;

const mapping& only_a() {
    static const mapping keys = mapping_of({prefix_rule("/a/")});
    return keys;
}

bool in_a(std::string_view key) { return key.starts_with("/a/"); }

txn_limits bytes(std::size_t most) {
    txn_limits out;
    out.max_bytes = most;
    out.max_revision_bytes = most;
    return out;
}

advance_plan plan(const std::deque<log_entry>& entries, revision end, const txn_limits& limits = {},
                  const std::optional<std::string>& frontier = everything) {
    return plan_advance(entries.begin(), entries.end(), end, only_a(), frontier, limits);
}

checkpoint advanced(const advance_plan& by) { return advance_checkpoint({}, by.revisions, by.to, only_a()); }

batch folded(entry_iterator first, entry_iterator last) {
    std::vector<mapped_revision> revisions = map_revisions(first, last, only_a());
    return fold_all(revisions, only_a(), everything);
}

std::optional<std::int64_t> counted(entry_iterator first, entry_iterator last, const mapping& keys) {
    return count_change(map_revisions(first, last, keys), keys);
}

}  // namespace

TEST_CASE("with nothing to do, R moves to the end") {
    const advance_plan p = plan({}, 50);
    CHECK(p.to == 50);
    CHECK(p.writes.empty());
    CHECK_FALSE(p.too_big);
}

TEST_CASE("all revisions that fit go into one Txn, and R moves to the end of the known history") {
    std::deque<log_entry> entries;
    entries.push_back(entry(5, {put("/a/k", "1", 5)}));
    entries.push_back(entry(7, {put("/a/k", "2", 7), del("/a/l", 7)}));
    const advance_plan p = plan(entries, 20);
    CHECK(p.to == 20);
    CHECK(p.writes.writes().size() == 2);
    const checkpoint after = advanced(p);
    CHECK(after.rev == 20);
    CHECK(after.event_revision == 7);
    CHECK(after.event_digest == digest_of_events(entries[1], in_a));
}

TEST_CASE("if not everything fits, R stops at the last complete revision") {
    std::deque<log_entry> entries;
    for (revision rev = 1; rev <= 10; ++rev)
        entries.push_back(entry(rev, {put("/a/k" + std::to_string(rev), std::string(100, 'v'), rev)}));
    const advance_plan p = plan(entries, 20, bytes(500));
    CHECK(p.to == 4);
    CHECK(p.writes.writes().size() == 4);
    CHECK(p.revisions.size() == 4);
    CHECK_FALSE(p.too_big);
    // The next plan continues from there.
    const advance_plan rest =
        plan_advance(entries.begin() + 4, entries.end(), 20, only_a(), everything, bytes(100'000));
    CHECK(rest.to == 20);
    CHECK(rest.writes.writes().size() == 6);
}

TEST_CASE("a first revision that fits in no Txn is reported, and nothing is planned") {
    std::deque<log_entry> entries;
    entries.push_back(entry(5, {put("/a/k", std::string(1000, 'v'), 5)}));
    entries.push_back(entry(6, {put("/a/l", "v", 6)}));
    const advance_plan p = plan(entries, 20, bytes(500));
    CHECK(p.too_big);
    CHECK(p.to == 0);
    CHECK(p.writes.empty());
}

TEST_CASE("a revision above the usual limit gets its own Txn if a single revision may be larger") {
    std::deque<log_entry> entries;
    entries.push_back(entry(5, {put("/a/k", std::string(1000, 'v'), 5)}));
    entries.push_back(entry(6, {put("/a/l", "v", 6)}));
    txn_limits large = bytes(500);
    large.max_revision_bytes = 2000;
    const advance_plan p = plan(entries, 20, large);
    CHECK_FALSE(p.too_big);
    CHECK(p.to == 5);
    CHECK(p.writes.writes().size() == 1);
    std::swap(entries[0].changes, entries[1].changes);
    const advance_plan small_first = plan(entries, 20, large);
    CHECK(small_first.to == 5);  // after another revision the usual limit applies
}

TEST_CASE("a plan ends before a revision that is too large") {
    std::deque<log_entry> entries;
    entries.push_back(entry(5, {put("/a/l", "v", 5)}));
    entries.push_back(entry(6, {put("/a/k", std::string(1000, 'v'), 6)}));
    const advance_plan p = plan(entries, 20, bytes(500));
    CHECK_FALSE(p.too_big);
    CHECK(p.to == 5);
}

TEST_CASE("revisions of other slaves move R, but are not events of this slave") {
    std::deque<log_entry> entries;
    entries.push_back(entry(5, {put("/a/k", "1", 5)}));
    entries.push_back(entry(6, {put("/b/k", "1", 6)}));
    const advance_plan p = plan(entries, 6);
    CHECK(p.to == 6);
    CHECK(advanced(p).event_revision == 5);
    CHECK(p.writes.writes().size() == 1);
}

TEST_CASE("with a frontier only the keys below it are written; the other events still count") {
    std::deque<log_entry> entries;
    entries.push_back(entry(5, {put("/a/a", "1", 5), put("/a/z", "1", 5)}));
    const advance_plan p = plan(entries, 5, {}, "/a/m");
    CHECK(p.writes.writes().size() == 1);
    CHECK(advanced(p).event_revision == 5);
    const advance_plan nothing = plan(entries, 5, {}, std::string());
    CHECK(nothing.writes.empty());
    CHECK(nothing.to == 5);
}

TEST_CASE("the digest of events changes with any difference in the selected events, and with no other") {
    const auto digest = [](std::vector<test::built_event> events) {
        return digest_of_events(entry(5, std::move(events)), in_a);
    };
    const std::string base = digest({put("/a/k", "v", 5)});
    CHECK(digest({put("/a/k", "v", 5)}) == base);
    CHECK(digest({put("/a/k", "v", 5), put("/b/k", "other", 5)}) == base);
    CHECK(digest({put("/a/k", "w", 5)}) != base);
    CHECK(digest({put("/a/l", "v", 5)}) != base);
    CHECK(digest({del("/a/k", 5)}) != base);
    CHECK(digest({put("/a/k", "v", 6)}) != base);
    CHECK(digest({put("/a/k", "v", 5), put("/a/l", "v", 5)}) != base);
    test::built_event younger = put("/a/k", "v", 5);
    younger.create = 4;
    younger.version = 2;
    CHECK(digest({younger}) != base);
    // The state of the master has no order in which the keys were written.
    CHECK(digest({put("/a/k", "v", 5), put("/a/l", "w", 5)}) == digest({put("/a/l", "w", 5), put("/a/k", "v", 5)}));
    CHECK(digest({put("/a/k", "v", 5), put("/a/l", "w", 5)}) != digest({put("/a/k", "w", 5), put("/a/l", "v", 5)}));
}

TEST_CASE("all pending revisions are folded into their net effect, however large") {
    std::deque<log_entry> entries;
    entries.push_back(entry(5, {put("/a/k", std::string(3'000'000, 'v'), 5), put("/a/l", "1", 5)}));
    entries.push_back(entry(6, {del("/a/k", 6)}));
    const batch all = folded(entries.begin(), entries.end());
    CHECK(all.writes().size() == 2);
    CHECK(all.fits_in({}));
    CHECK_FALSE(folded(entries.begin(), entries.begin() + 1).fits_in({}));
}

TEST_CASE("keys are counted from events: puts that create a key, and deletes") {
    std::deque<log_entry> entries;
    test::built_event older = put("/a/old", "2", 5);
    older.create = 2;
    entries.push_back(entry(5, {put("/a/k", "1", 5), put("/a/l", "1", 5), older}));
    entries.push_back(entry(6, {del("/a/x", 6), put("/b/other", "1", 6)}));
    CHECK(counted(entries.begin(), entries.end(), only_a()) == 1);
    CHECK(counted(entries.begin(), entries.begin(), only_a()) == 0);
}

TEST_CASE("if the events do not determine the number of keys, no number is returned") {
    std::deque<log_entry> entries;
    entries.push_back(entry(5, {put("/a/k", "1", 5)}));
    for (bool log_entry::*mark : {&log_entry::repeats_keys, &log_entry::more_follows, &log_entry::is_tail}) {
        entries[0].*mark = true;
        CHECK_FALSE(counted(entries.begin(), entries.end(), only_a()).has_value());
        entries[0].*mark = false;
    }
    config::rule picky = prefix_rule("/a/");
    picky.include = {"/a/*.yaml"};
    CHECK_FALSE(counted(entries.begin(), entries.end(), mapping_of({picky})).has_value());
    picky.include.clear();
    picky.exclude = {"/a/sub/"};  // a hole: what remains are whole ranges
    CHECK(counted(entries.begin(), entries.end(), mapping_of({picky})) == 1);
}

TEST_CASE("the tail of a revision in parts is not a proof event, because it has only some of the revision's events") {
    std::deque<log_entry> entries;
    entries.push_back(entry(5, {put("/a/k", "1", 5)}));
    entries.push_back(entry(6, {put("/a/l", "1", 6)}));
    entries[1].is_tail = true;
    CHECK(advanced(plan(entries, 6)).event_revision == 5);
}
