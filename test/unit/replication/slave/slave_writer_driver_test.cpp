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
constexpr const char* key_of_manifest = "/.etcd-sync/it:manifest";

struct rig : served {
    explicit rig(const test::model_etcd::settings& how = {}) : served(how) {}

    record_set records{"/.etcd-sync/", "it", config::consistency_mode::all};
    slave_writer new_writer() { return {kv(), with, all_mode_keys("/.etcd-sync/", "it"), records}; }

    checkpoint at(etcd::revision rev) {
        checkpoint out;
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
        return loop.run(by.commit(writes, at(rev), txn_limits()), 1min);
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

TEST_CASE("position and manifest are written in one revision, and from then on only the position") {
    rig r;
    slave_writer slave = r.new_writer();
    r.read(slave);
    REQUIRE(r.committed(slave, 10));
    CHECK(r.store.revision() == 2);
    const std::string manifest = r.store.keys().at(key_of_manifest);
    for (int i = 0; i < 100; ++i) REQUIRE(r.committed(slave, 11 + i));
    CHECK(r.store.keys().at(key_of_manifest) == manifest);
    slave_writer next = r.new_writer();
    const auto found = r.read(next);
    REQUIRE(found.record.has_value());
    REQUIRE(found.record->has_value());
    CHECK((*found.record)->rev == 110);
    CHECK((*found.record)->rules == "r");
}

TEST_CASE("a manifest that was deleted or replaced while we run is written again") {
    rig r;
    slave_writer slave = r.new_writer();
    r.read(slave);
    REQUIRE(r.committed(slave, 10));
    SUBCASE("deleted") { r.store.del(key_of_manifest); }
    SUBCASE("replaced") { r.store.put(key_of_manifest, "junk"); }
    CHECK_FALSE(slave.lost_manifest());
    CHECK(r.checkpoint_unchanged(slave));
    CHECK(slave.lost_manifest());
    REQUIRE(r.committed(slave, 11));
    CHECK_FALSE(slave.lost_manifest());
    slave_writer next = r.new_writer();
    const auto found = r.read(next);
    REQUIRE(found.record.has_value());
    CHECK(found.record->has_value());
}

TEST_CASE("a position whose manifest is gone, or is another one, is no checkpoint; the next claim writes both") {
    rig r;
    slave_writer slave = r.new_writer();
    r.read(slave);
    REQUIRE(r.committed(slave, 10));
    SUBCASE("gone") { r.store.del(key_of_manifest); }
    SUBCASE("another one") {
        const std::string old = r.store.keys().at(key_of_manifest);
        checkpoint ended = r.at(11);
        ended.writer.clear();
        REQUIRE(*r.loop.run(slave.commit(batch(txn_limits()), ended, txn_limits()), 1min));
        r.store.put(key_of_manifest, old);
    }
    slave_writer next = r.new_writer();
    auto found = r.read(next);
    REQUIRE(found.record.has_value());
    CHECK(found.record->has_error());
    REQUIRE(r.committed(next, 12));
    found = r.read(next);
    REQUIRE(found.record.has_value());
    CHECK(found.record->has_value());
}

TEST_CASE("a Txn without room for the manifest leaves it to the next one that has room") {
    test::model_etcd::settings how;
    txn_limits limits;
    std::size_t writes = 1;
    std::size_t size = 1;
    SUBCASE("full of operations") { writes = limits.max_ops - 1; }
    SUBCASE("full of bytes") { size = limits.max_bytes - 100; }
    SUBCASE("refused by the slave, which takes less than we think") {
        how.max_request_bytes = 10'000;
        size = 9'500;
    }
    rig r(how);
    slave_writer slave = r.new_writer();
    r.read(slave);
    REQUIRE(r.committed(slave, 10));
    const std::string before = r.store.keys().at(key_of_manifest);
    const auto with_anchor = [&r](etcd::revision rev) {
        checkpoint next = r.at(rev);
        next.anchors = {{"/a/1", 5, 6, 7, "0123456789abcdef", 8}};  // the first one makes a manifest due
        return next;
    };
    batch full{limits};
    const std::string value(size, 'x');
    for (std::size_t k = 0; k < writes; ++k)
        REQUIRE(full.add(etcd::event_type::put, "/a/" + std::to_string(k), value, nullptr));
    const auto done = r.loop.run(slave.commit(full, with_anchor(11), limits), 1min);
    REQUIRE_MESSAGE(done.has_value(), done.error().text);
    CHECK(*done);
    CHECK(r.store.keys().at("/a/0") == value);
    CHECK(r.store.keys().at(key_of_manifest) == before);
    CHECK(r.read(slave).record->has_value());
    r.loop.clock.advance(2min);
    const batch nothing{limits};
    REQUIRE(*r.loop.run(slave.commit(nothing, with_anchor(12), limits), 1min));
    CHECK(r.store.keys().at(key_of_manifest) != before);
}

TEST_CASE("a checkpoint that its manifest does not describe is never written without a new one, however full the Txn") {
    rig r;
    slave_writer slave = r.new_writer();
    r.read(slave);
    REQUIRE(r.committed(slave, 10));
    checkpoint next = r.at(11);
    next.rules = "other";
    batch full{txn_limits()};
    const std::string value(txn_limits().max_bytes - 100, 'x');  // a batch does not copy it
    REQUIRE(full.add(etcd::event_type::put, "/a/1", value, nullptr));
    REQUIRE(*r.loop.run(slave.commit(full, next, txn_limits()), 1min));
    const auto found = r.read(slave).record;
    REQUIRE(found->has_value());
    CHECK((*found)->rules == "other");
}

TEST_CASE("own keys take at most 200 bytes of each slave revision, with 1 rule and with 500") {
    for (const int rules : {1, 500}) {
        CAPTURE(rules);
        rig r;
        slave_writer slave = r.new_writer();
        r.read(slave);
        checkpoint at = r.at(1'000'000'000);
        at.rules = "0123456789abcdef";
        at.event_digest = "0123456789abcdef";
        at.count = 1'000'000;
        for (int i = 0; i < rules; ++i) at.spans.push_back({{std::to_string(i), std::to_string(i) + "0"}, 1'000'000});
        at.anchors = {{"/config/app/some/key", 5, 6, 7, "0123456789abcdef", 8}};
        const auto commit = [&] {
            ++at.rev;
            at.event_revision = at.anchors[0].seen_at = at.rev;
            batch writes{txn_limits()};
            REQUIRE(writes.add(etcd::event_type::put, "/a/1", "v", nullptr));
            REQUIRE(*r.loop.run(slave.commit(writes, at, txn_limits()), 1min));
        };
        commit();  // the claim
        constexpr int revisions = 3000;
        std::size_t bytes = 0;
        std::string manifest = r.store.keys().at(key_of_manifest);
        for (int i = 0; i < revisions; ++i) {
            r.loop.clock.advance(1s);
            commit();
            const test::key_map keys = r.store.keys();
            bytes += std::string_view(key_of_checkpoint).size() + keys.at(key_of_checkpoint).size();
            if (keys.at(key_of_manifest) == manifest) continue;
            manifest = keys.at(key_of_manifest);
            bytes += std::string_view(key_of_manifest).size() + manifest.size();
        }
        CHECK(bytes / revisions <= 200);
    }
}

TEST_CASE("if the checkpoint may not be read or written, the error says what the user needs") {
    const std::string needed = "the checkpoint needs readwrite from /.etcd-sync/it to before /.etcd-sync/it;";
    rig r;
    slave_writer slave = r.new_writer();
    SUBCASE("not read") {
        r.server.denies = [](std::string_view, std::string_view) { return true; };
        const auto found = r.loop.run(slave.read(), 1min);
        REQUIRE(found.has_error());
        CHECK(found.error().text.ends_with(needed));
    }
    SUBCASE("not written, as with the grant that version 0.1 needed") {
        r.read(slave);
        r.server.denies = [](std::string_view key, std::string_view) { return key == key_of_manifest; };
        const auto done = r.loop.run(slave.commit(batch(txn_limits()), r.at(10), txn_limits()), 1min);
        REQUIRE(done.has_error());
        CHECK(done.error().text.ends_with(needed));
    }
}
