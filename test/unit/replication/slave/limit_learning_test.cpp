// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/limit_learning.hpp"

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
    bool shrink(error_class cls) { return shrink_limits(etcd::error(cls, "refused"), writes, limits); }

    std::string value;
    std::deque<std::string> keys;
    batch writes{txn_limits::none()};
    txn_limits limits;
};

}  // namespace

TEST_CASE("too many operations: the limit is halved, down to four") {
    writes_of w(2, 10);
    for (const unsigned ops : {64U, 32U, 16U, 8U, 4U}) {
        CHECK(w.shrink(error_class::too_many_ops));
        CHECK(w.limits.max_ops == ops);
    }
    CHECK_FALSE(w.shrink(error_class::too_many_ops));
    CHECK(w.limits.max_ops == 4);
}

TEST_CASE("no nested Txns: learned once") {
    writes_of w(2, 10);
    CHECK(w.shrink(error_class::no_nesting));
    CHECK_FALSE(w.limits.nested);
    CHECK_FALSE(w.shrink(error_class::no_nesting));
}

TEST_CASE("too large: the limit is half of the rejected size") {
    writes_of w(4, 100'000);
    REQUIRE(w.writes.bytes() < w.limits.max_bytes);
    CHECK(w.shrink(error_class::too_large));
    CHECK(w.limits.max_bytes == w.writes.bytes() / 2);
    CHECK(w.limits.max_revision_bytes == w.limits.max_bytes);
    CHECK(w.limits.refused == std::string::npos);
}

TEST_CASE("too large, although a whole revision may be larger: revisions get the limit of other Txns") {
    writes_of w(12, 100'000);
    const txn_limits before = w.limits;
    REQUIRE(w.writes.bytes() > before.max_bytes);
    CHECK(w.shrink(error_class::too_large));
    CHECK(w.limits.max_bytes == before.max_bytes);
    CHECK(w.limits.max_revision_bytes == before.max_bytes);
}

TEST_CASE("a single write that is too large cannot be made smaller; its size is remembered") {
    writes_of w(1, 100'000);
    const txn_limits before = w.limits;
    CHECK_FALSE(w.shrink(error_class::too_large));
    CHECK(w.limits.refused == w.writes.bytes());
    CHECK(w.limits.max_bytes == before.max_bytes);
    const etcd::error why = with_key_size(etcd::error(error_class::too_large, "refused"), w.writes);
    CHECK(why.text == "refused: the key /a/0 with a value of 97.7KiB");
}

TEST_CASE("other errors do not change the limits") {
    writes_of w(2, 100'000);
    CHECK_FALSE(w.shrink(error_class::denied));
    CHECK_FALSE(w.shrink(error_class::ambiguous));
    CHECK(w.limits.max_ops == txn_limits().max_ops);
    CHECK(w.limits.max_bytes == txn_limits().max_bytes);
    CHECK(with_key_size(etcd::error(error_class::denied, "refused"), w.writes).text == "refused");
}

TEST_CASE("after a timeout a large Txn is halved; a single revision gets three attempts") {
    writes_of w(8, 100'000);
    const std::size_t half = w.writes.bytes() / 2;
    REQUIRE(is_large(w.writes));
    shrink_after_timeout(w.writes, w.limits);
    shrink_after_timeout(w.writes, w.limits);
    CHECK(w.limits.max_bytes == half);
    CHECK(w.limits.max_revision_bytes == txn_limits().max_revision_bytes);
    shrink_after_timeout(w.writes, w.limits);
    CHECK(w.limits.max_revision_bytes == half);
}

TEST_CASE("a timeout of a small Txn does not change the limits") {
    writes_of w(2, 1'000);
    REQUIRE_FALSE(is_large(w.writes));
    shrink_after_timeout(w.writes, w.limits);
    CHECK(w.limits.max_bytes == txn_limits().max_bytes);
    CHECK(w.limits.unanswered == 0);
}
