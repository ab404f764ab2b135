// SPDX-License-Identifier: Apache-2.0
#include "replication/master/log.hpp"

#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace etcdsync::replication;
using window_log = etcdsync::replication::log;  // <cmath> declares ::log

namespace {

log_entry sized(revision rev, std::size_t bytes) {
    log_entry out;
    out.rev = rev;
    out.bytes = bytes;
    return out;
}

std::vector<revision> revisions_after(const window_log& window, revision rev) {
    std::vector<revision> out;
    for (const log_entry& entry : window.after(rev)) out.push_back(entry.rev);
    return out;
}

}  // namespace

TEST_CASE("a log that has not started contains nothing") {
    const window_log window(100);
    CHECK_FALSE(window.started());
    CHECK_FALSE(window.holds_all_since(0));
}

TEST_CASE("an empty log with its floor at R has all changes since R, which are none") {
    window_log window(100);
    window.restart(7);
    CHECK(window.holds_all_since(7));
    CHECK_FALSE(window.holds_all_since(6));
    CHECK(window.holds_all_since(8));  // it will: new entries are kept
    CHECK(revisions_after(window, 7).empty());
}

TEST_CASE("entries can be read from any revision that the log covers, also from one between two entries") {
    window_log window(100);
    window.restart(10);
    for (const revision rev : {12, 15, 20}) window.append(sized(rev, 10));
    window.advance_position(30);
    CHECK(revisions_after(window, 10) == std::vector<revision>{12, 15, 20});
    CHECK(revisions_after(window, 12) == std::vector<revision>{15, 20});
    CHECK(revisions_after(window, 14) == std::vector<revision>{15, 20});
    CHECK(revisions_after(window, 30).empty());
    CHECK(window.holds_all_since(30));
    CHECK(window.position() == 30);
}

TEST_CASE("at the limit the oldest entries are dropped and the floor moves up") {
    window_log window(100);
    window.restart(1);
    for (revision rev = 2; rev < 12; ++rev) window.append(sized(rev, 10));
    CHECK(window.floor() == 1);
    CHECK(window.bytes() == 100);
    window.append(sized(12, 25));
    CHECK(window.floor() == 4);
    CHECK(window.bytes() == 95);
    CHECK_FALSE(window.holds_all_since(3));
    CHECK(window.holds_all_since(4));
    CHECK(revisions_after(window, 4).front() == 5);
}

TEST_CASE("a revision larger than the whole log is not kept, and the floor moves past it") {
    window_log window(100);
    window.restart(1);
    window.append(sized(2, 10));
    window.append(sized(3, 1000));
    CHECK(window.floor() == 3);
    CHECK(window.bytes() == 0);
    CHECK(window.position() == 3);
    CHECK(window.holds_all_since(3));
    CHECK_FALSE(window.holds_all_since(2));
    window.append(sized(4, 10));
    CHECK(revisions_after(window, 3) == std::vector<revision>{4});
}

TEST_CASE("a revision in parts is not kept: the floor moves to it with the first part, the position with the last") {
    window_log window(100);
    window.restart(1);
    window.append(sized(2, 10));
    log_entry first = sized(4, 10);
    first.more_follows = true;
    log_entry middle = first;
    middle.is_tail = true;
    log_entry last = sized(4, 10);
    last.is_tail = true;
    for (const log_entry& part : {first, middle}) {
        window.append(part);
        CHECK(window.position() == 2);
        CHECK(window.floor() == 4);
        CHECK(window.bytes() == 0);
        CHECK_FALSE(window.holds_all_since(2));
    }
    window.append(last);
    CHECK(window.position() == 4);
    CHECK(window.holds_all_since(4));
    CHECK(window.bytes() == 0);
}

TEST_CASE("the position never moves back") {
    window_log window(100);
    window.restart(10);
    window.advance_position(20);
    window.advance_position(15);
    CHECK(window.position() == 20);
}

TEST_CASE("a restart drops all entries, starts a new generation, and may move the position back") {
    window_log window(100);
    window.restart(10);
    const auto before = window.generation();
    window.append(sized(11, 10));
    window.restart(5);
    CHECK(window.generation() != before);
    CHECK(window.position() == 5);
    CHECK(window.floor() == 5);
    CHECK(window.bytes() == 0);
    window.append(sized(6, 10));
    CHECK(revisions_after(window, 5) == std::vector<revision>{6});
}

TEST_CASE("a revision ages as newer entries fill the log") {
    window_log window(100);
    window.restart(1);
    CHECK_FALSE(window.is_aging(1));
    window.append(sized(2, 50));
    CHECK_FALSE(window.is_aging(1));
    window.append(sized(3, 10));
    CHECK(window.is_aging(1));
    CHECK_FALSE(window.is_aging(2));
    window.append(sized(4, 90));
    CHECK(window.is_aging(1));
    CHECK(window.is_aging(2));  // dropped
}

TEST_CASE("a smaller limit drops the oldest entries at once; a larger one keeps more from then on") {
    window_log kept(1U << 20);
    kept.restart(1);
    for (revision rev = 2; rev <= 11; ++rev) kept.append(entry(rev, {etcdsync::test::put("k", "v", rev)}));
    CHECK(kept.holds_all_since(1));
    const std::size_t all = kept.bytes();
    kept.set_limit(all / 2);
    CHECK(kept.bytes() <= all / 2);
    CHECK_FALSE(kept.holds_all_since(1));
    CHECK(kept.holds_all_since(kept.floor()));
    CHECK(kept.limit() == all / 2);
    kept.set_limit(1U << 20);
    kept.append(entry(12, {etcdsync::test::put("k", "v", 12)}));
    CHECK(kept.after(1).size() == 6);
}

TEST_CASE("for a reader whose keys are selected since a revision, the log starts at that revision") {
    window_log kept(1U << 20);
    kept.restart(10);
    const log_start own{kept.generation(), 20};
    kept.advance_position(30);
    CHECK(kept.holds_all_since(10));
    CHECK_FALSE(kept.holds_all_since(19, own));
    CHECK(kept.holds_all_since(20, own));
    kept.restart(5);  // a new generation has all changes since its start
    CHECK(kept.holds_all_since(5, own));
    CHECK_FALSE(kept.holds_all_since(4, own));
}
