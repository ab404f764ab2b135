// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/learned_limits.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using etcd::error_class;

namespace {

/// A Txn with `count` writes of `value_size` bytes each.
struct writes_of {
    writes_of(std::size_t count, std::size_t value_size) : value(value_size, 'v') {
        for (std::size_t i = 0; i < count; ++i)
            REQUIRE(writes.add(etcd::event_type::put, keys.emplace_back("/a/" + std::to_string(i)), value, nullptr));
    }
    bool shrink(error_class cls) { return limits.note_refused(etcd::error(cls, "refused"), writes); }

    std::string value;
    std::deque<std::string> keys;
    batch writes{txn_limits::none()};
    learned_limits limits{txn_limits()};
};

}  // namespace

TEST_CASE("too many operations: the limit is halved, down to four") {
    writes_of w(2, 10);
    for (const unsigned ops : {64U, 32U, 16U, 8U, 4U}) {
        CHECK(w.shrink(error_class::too_many_ops));
        CHECK(w.limits.now().max_ops == ops);
    }
    CHECK_FALSE(w.shrink(error_class::too_many_ops));
    CHECK(w.limits.now().max_ops == 4);
}

TEST_CASE("no nested Txns: learned once") {
    writes_of w(2, 10);
    CHECK(w.shrink(error_class::no_nesting));
    CHECK_FALSE(w.limits.now().nested);
    CHECK_FALSE(w.shrink(error_class::no_nesting));
}

TEST_CASE("too large: the limit is half of the rejected size") {
    writes_of w(4, 100'000);
    REQUIRE(w.writes.bytes() < w.limits.now().max_bytes);
    CHECK(w.shrink(error_class::too_large));
    CHECK(w.limits.now().max_bytes == w.writes.bytes() / 2);
    CHECK(w.limits.now().max_revision_bytes == w.limits.now().max_bytes);
    for (const etcd::operation& write : w.writes.writes()) CHECK_FALSE(w.limits.is_refused(write));
}

TEST_CASE("too large, although a whole revision may be larger: revisions get the limit of other Txns") {
    writes_of w(12, 100'000);
    const txn_limits before = w.limits.now();
    REQUIRE(w.writes.bytes() > before.max_bytes);
    CHECK(w.shrink(error_class::too_large));
    CHECK(w.limits.now().max_bytes == before.max_bytes);
    CHECK(w.limits.now().max_revision_bytes == before.max_bytes);
}

TEST_CASE("a single write that is too large cannot be made smaller; its size is remembered") {
    writes_of w(1, 100'000);
    const txn_limits before = w.limits.now();
    CHECK_FALSE(w.shrink(error_class::too_large));
    CHECK(w.limits.is_refused(w.writes.writes().front()));
    CHECK(w.limits.now().max_bytes == before.max_bytes);
    const etcd::error why = with_key_size(etcd::error(error_class::too_large, "refused"), w.writes);
    CHECK(why.text == "refused: the key /a/0 with a value of 97.7KiB");
}

TEST_CASE("other errors do not change the limits") {
    writes_of w(2, 100'000);
    CHECK_FALSE(w.shrink(error_class::denied));
    CHECK_FALSE(w.shrink(error_class::ambiguous));
    CHECK(w.limits.now().max_ops == txn_limits().max_ops);
    CHECK(w.limits.now().max_bytes == txn_limits().max_bytes);
    CHECK(with_key_size(etcd::error(error_class::denied, "refused"), w.writes).text == "refused");
}

TEST_CASE(
    "the second timeout in a row halves a Txn, the first one may be a slow disk; a single revision gets three "
    "attempts") {
    writes_of w(8, 100'000);
    const std::size_t half = w.writes.bytes() / 2;
    w.limits.note_unanswered(w.writes, learned_limits::loss::timeout);
    CHECK(w.limits.now().max_bytes == txn_limits().max_bytes);
    w.limits.note_success(w.writes);
    w.limits.note_unanswered(w.writes, learned_limits::loss::timeout);
    CHECK(w.limits.now().max_bytes == txn_limits().max_bytes);
    w.limits.note_unanswered(w.writes, learned_limits::loss::timeout);
    CHECK(w.limits.now().max_bytes == half);
    CHECK(w.limits.now().max_revision_bytes == txn_limits().max_revision_bytes);
    w.limits.note_unanswered(w.writes, learned_limits::loss::timeout);
    CHECK(w.limits.now().max_revision_bytes == half);
}

TEST_CASE("a connection that breaks under a Txn halves the next one, down to one write") {
    for (std::size_t count = 256; count > 1; count /= 2) {
        writes_of w(count, 1'000);
        w.limits.note_unanswered(w.writes, learned_limits::loss::broken);
        CHECK(w.limits.now().max_bytes == w.writes.bytes() / 2);
    }
    writes_of tiny(2, 10);
    tiny.limits.note_unanswered(tiny.writes, learned_limits::loss::broken);
    CHECK(tiny.limits.now().max_bytes == txn_limits().max_bytes);
    writes_of one(1, 100'000);
    one.limits.note_unanswered(one.writes, learned_limits::loss::broken);
    CHECK(one.limits.now().max_bytes == txn_limits().max_bytes);
}

namespace {

/// How many successes of `w` it takes until the limit of bytes changes; -1 if it does not.
int successes_until_change(writes_of& w, int at_most) {
    const std::size_t before = w.limits.now().max_bytes;
    for (int i = 1; i <= at_most; ++i) {
        w.limits.note_success(w.writes);
        if (w.limits.now().max_bytes != before) return i;
    }
    return -1;
}

}  // namespace

TEST_CASE("after successes the limits grow back to what is configured, and not beyond") {
    writes_of w(8, 100'000);
    const txn_limits configured;
    for (int i = 0; i < 3; ++i) w.limits.note_unanswered(w.writes, learned_limits::loss::broken);
    REQUIRE(w.shrink(error_class::too_many_ops));
    REQUIRE(w.shrink(error_class::no_nesting));
    REQUIRE(w.limits.now().max_bytes < configured.max_bytes);
    CHECK(successes_until_change(w, 100) == 16);
    for (int i = 0; i < 1'000; ++i) w.limits.note_success(w.writes);
    CHECK(w.limits.now().max_bytes == configured.max_bytes);
    CHECK(w.limits.now().max_revision_bytes == configured.max_revision_bytes);
    CHECK(w.limits.now().max_ops == configured.max_ops);
    CHECK(w.limits.now().nested);
}

TEST_CASE("small Txns count less, because they say less") {
    writes_of w(8, 100'000);
    w.limits.note_unanswered(w.writes, learned_limits::loss::broken);
    writes_of small(1, 10);
    small.limits = w.limits;
    CHECK(successes_until_change(small, 100) == 64);
    const batch nothing{txn_limits()};
    w.limits.note_success(nothing);
}

TEST_CASE("what is too much again right after it was tried again is tried more and more rarely") {
    writes_of w(8, 100'000);
    REQUIRE(w.shrink(error_class::too_large));
    int before = successes_until_change(w, 100);
    CHECK(before == 16);
    for (int i = 0; i < 4; ++i) {
        REQUIRE(w.shrink(error_class::too_large));
        const int now = successes_until_change(w, 10'000);
        CHECK(now == 4 * before);
        before = now;
    }
}
