// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/slave_writer.hpp"
#include "unit/replication/served.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;
using etcd::error_class;

namespace {

constexpr const char* key_of_checkpoint = "/.etcd-sync/it";

struct rig : served {
    record_set records{"/.etcd-sync/", "it", config::consistency_mode::all};
    slave_writer new_writer() { return {kv(), with, key_of_checkpoint, records}; }

    checkpoint at(etcd::revision rev) {
        checkpoint out;
        out.instance = "it";
        out.writer = with.writer;
        out.rules = "r";
        out.rev = rev;
        return out;
    }
    slave_writer::found read(slave_writer& from) {
        const auto found = loop.run(from.read(), 1min);
        REQUIRE(found.has_value());
        return *found;
    }
    etcd::result<bool> commit(slave_writer& by, etcd::revision rev, const std::string& value = "v") {
        batch writes{txn_limits()};
        REQUIRE(writes.add(etcd::event_type::put, "/a/1", value, nullptr));
        return loop.run(by.commit(writes, at(rev), 128), 1min);
    }
    bool committed(slave_writer& by, etcd::revision rev, const std::string& value = "v") {
        const auto done = commit(by, rev, value);
        REQUIRE(done.has_value());
        return *done;
    }
    bool checkpoint_unchanged(slave_writer& by) {
        const auto same = loop.run(by.checkpoint_unchanged(), 1min);
        REQUIRE(same.has_value());
        return *same;
    }
    std::string value() { return store.keys()["/a/1"]; }
};

}  // namespace

TEST_CASE("the first claim creates the checkpoint, each commit advances it, and data and checkpoint are one revision") {
    rig r;
    slave_writer slave = r.new_writer();
    CHECK_FALSE(r.read(slave).record.has_value());
    CHECK(r.committed(slave, 10, "one"));
    CHECK(r.committed(slave, 11, "two"));
    CHECK(r.store.revision() == 3);
    CHECK(slave.record().rev == 11);
    CHECK(slave.record().seq == 2);
    CHECK(slave.last_written() == 2);
    slave_writer next = r.new_writer();
    const auto found = r.read(next);
    REQUIRE(found.record.has_value());
    REQUIRE(found.record->has_value());
    CHECK((*found.record)->rev == 11);
    CHECK(found.slave_revision == 3);
    CHECK(next.last_written() == 0);
    CHECK(r.committed(next, 12));
    CHECK(next.record().seq == 3);
}

TEST_CASE("if another client wrote the checkpoint, nothing is done until it is read again") {
    rig r;
    slave_writer first = r.new_writer();
    r.read(first);
    REQUIRE(r.committed(first, 10, "first"));
    slave_writer second = r.new_writer();
    r.read(second);
    REQUIRE(r.committed(second, 11, "second"));
    CHECK_FALSE(r.checkpoint_unchanged(first));
    CHECK_FALSE(r.committed(first, 12, "late"));
    CHECK(r.value() == "second");
    r.read(first);
    CHECK(r.committed(first, 12, "again"));
    CHECK(r.value() == "again");
}

TEST_CASE("a claim of a slave without a checkpoint fails if one was created meanwhile") {
    rig r;
    slave_writer slave = r.new_writer();
    r.read(slave);
    r.store.put(key_of_checkpoint, "another client's");
    CHECK_FALSE(r.committed(slave, 10));
    CHECK(r.value().empty());
}

TEST_CASE("a checkpoint that is deleted, rewritten or of another store is detected") {
    rig r;
    slave_writer slave = r.new_writer();
    r.read(slave);
    REQUIRE(r.committed(slave, 10));
    CHECK(r.checkpoint_unchanged(slave));
    const std::string text = r.store.keys()[key_of_checkpoint];
    SUBCASE("deleted") { r.store.del(key_of_checkpoint); }
    SUBCASE("rewritten with the same bytes") { r.store.put(key_of_checkpoint, text); }
    SUBCASE("a wiped store that repeats the revision") {
        r.store = test::model_etcd();
        r.store.put(key_of_checkpoint, "other bytes");  // revision 2, like ours
    }
    CHECK_FALSE(r.checkpoint_unchanged(slave));
    CHECK_FALSE(r.committed(slave, 11, "late"));
    CHECK(r.value() != "late");
}

TEST_CASE("an unreadable checkpoint is reported, and can still be claimed") {
    rig r;
    r.store.put(key_of_checkpoint, "no JSON");
    slave_writer slave = r.new_writer();
    const auto found = r.read(slave);
    REQUIRE(found.record.has_value());
    CHECK(found.record->has_error());
    CHECK(r.committed(slave, 10));
    CHECK(slave.record().seq == 1);
}

TEST_CASE(
    "if the response is lost, the next slave_writer finds out whether the Txn was applied, and it is applied once") {
    for (const test::fault what : test::every_fault) {
        CAPTURE(test::to_string(what));
        rig r;
        slave_writer slave = r.new_writer();
        r.read(slave);
        REQUIRE(r.committed(slave, 10, "before"));
        r.fail(1, what);
        const auto done = r.commit(slave, 11, "after");
        REQUIRE(done.has_error());
        CHECK(done.error().cls == error_class::ambiguous);
        CHECK_FALSE(slave.in_flight());
        slave_writer next = r.new_writer();
        const auto found = r.read(next);
        const bool applied = what == test::fault::cut_late || what == test::fault::lost_late;
        CHECK((*found.record)->rev == (applied ? 11 : 10));
        CHECK(r.value() == (applied ? "after" : "before"));
        CHECK(r.committed(next, 12, "next"));
        CHECK((*found.record)->seq + 1 == next.record().seq);
        CHECK(r.value() == "next");
    }
}

TEST_CASE("a Txn that the slave rejects as too large changes nothing, and the next one succeeds") {
    test::model_etcd::settings small;
    small.max_request_bytes = 2'000;
    rig r;
    r.store = test::model_etcd(small);
    slave_writer slave = r.new_writer();
    r.read(slave);
    REQUIRE(r.committed(slave, 10));
    const auto refused = r.commit(slave, 11, std::string(3'000, 'x'));
    REQUIRE(refused.has_error());
    CHECK(refused.error().cls == error_class::too_large);
    CHECK(slave.record().rev == 10);
    CHECK(r.committed(slave, 12, "small"));
    CHECK(slave.record().seq == 2);
}

TEST_CASE("nothing is written while there is a checkpoint of the other consistency mode") {
    rig r;
    slave_writer by = r.new_writer();
    r.read(by);
    REQUIRE(r.committed(by, 5));
    r.put("/.etcd-sync/it/rule", "of the other mode");
    CHECK_FALSE(r.committed(by, 6));
    CHECK(r.checkpoint_unchanged(by));
    // Checkpoints of another instance, of either mode, do not matter.
    rig other;
    slave_writer beside = other.new_writer();
    other.put("/.etcd-sync/it2/rule", "x");
    other.put("/.etcd-sync/it-2", "x");
    other.read(beside);
    CHECK(other.committed(beside, 5));
}
