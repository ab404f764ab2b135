// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/migration_txn.hpp"

#include "grpc/framing.hpp"
#include "support/model_etcd.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <rpc.pb.h>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;
using config::consistency_mode;

namespace {

constexpr const char* all_mode_key = "/.etcd-sync/it";
constexpr const char* key_of_a = "/.etcd-sync/it/a";
constexpr const char* key_of_b = "/.etcd-sync/it/b";

/// Two rules: in mode "all" one checkpoint, in mode "rule" two.
record_set records_of(consistency_mode mode) {
    const std::vector<config::rule> rules = {prefix_rule("/a/"), prefix_rule("/b/")};
    record_set out(checkpoints, "it", mode);
    if (mode == consistency_mode::all) {
        out.add(all_mode_keys(checkpoints, "it"), mapping_of(rules));
    } else {
        out.add(rule_keys(checkpoints, "it", "a"), mapping_of_one(rules, 0));
        out.add(rule_keys(checkpoints, "it", "b"), mapping_of_one(rules, 1));
    }
    return out;
}

checkpoint record_of(const mapping& keys) {
    checkpoint out;
    out.rev = 100;
    out.rules = keys.digest();
    out.spans = spans_for(keys, {}, 10);
    out.writer = "someone";
    out.seq = 7;
    return out;
}

/// A slave with the checkpoints of one mode, and a process that finds them and wants those of the other.
struct slave_of {
    explicit slave_of(consistency_mode from)
        : wanted(records_of(from == consistency_mode::all ? consistency_mode::rule : consistency_mode::all)) {
        const record_set before = records_of(from);
        for (const wanted_record& one : before.wanted()) {
            const checkpoint_text text = encode(record_of(one.keys));
            store.put(one.at.position, text.position);
            store.put(one.at.manifest, *text.manifest);
            found.records.push_back({one.at, text});
        }
        found.at = store.revision();
        store.put("/a/1", "another key");
    }
    /// Sends the Txn of the migration. False if it did nothing.
    bool migrate() {
        const migration plan = plan_migration(found, wanted);
        const migration_writes writes(plan, "us", "2024-01-01T00:00:00Z");
        const txn_limits limits;
        const batch all = writes.next(0, limits);
        REQUIRE(all.writes().size() == writes.size());
        return send(all, limits);
    }
    bool send(const batch& writes, const txn_limits& limits) {
        const std::string framed = encode_migration_txn(writes, found, wanted, limits.max_ops);
        etcdserverpb::TxnRequest request;
        REQUIRE(request.ParseFromString(framed.substr(grpc::prefix_size)));
        etcdserverpb::TxnResponse answer;
        REQUIRE_FALSE(store.txn(request, answer).has_value());
        if (answer.succeeded()) apply(writes, answer.header().revision(), wanted, found);
        return answer.succeeded();
    }
    /// What is on the slave, as a new process finds it.
    [[nodiscard]] found_records read_all() const {
        found_records out;
        const test::key_map keys = store.keys();
        for (const auto& [key, text] : keys) {
            if (!key.starts_with(all_mode_key) || wanted.manifests().contains(key)) continue;
            const checkpoint_keys at = wanted.keys_at(key);
            out.records.push_back({at, {text, keys.at(at.manifest)}});
        }
        out.at = store.revision();
        return out;
    }
    checkpoint stored(const char* key) {
        const test::key_map keys = store.keys();
        const auto record = parse_checkpoint({keys.at(key), keys.at(wanted.keys_at(key).manifest)});
        REQUIRE(record.has_value());
        return *record;
    }

    test::model_etcd store;
    record_set wanted;
    found_records found;
};

}  // namespace

TEST_CASE("one revision replaces the checkpoint of mode all with one per rule") {
    slave_of s(consistency_mode::all);
    const auto before = s.store.revision();
    CHECK(s.migrate());
    CHECK(s.store.revision() == before + 1);
    CHECK_FALSE(s.store.keys().contains(all_mode_key));
    CHECK_FALSE(s.store.keys().contains("/.etcd-sync/it:manifest"));
    for (const char* key : {key_of_a, key_of_b}) {
        const checkpoint record = s.stored(key);
        CHECK(record.writer == "us");
        CHECK(record.time == "2024-01-01T00:00:00Z");
        REQUIRE(record.spans.size() == 1);
        CHECK(record.spans.front().since == 10);
    }
}

TEST_CASE("one revision replaces the checkpoints of the rules with the one of mode all") {
    slave_of s(consistency_mode::rule);
    const auto before = s.store.revision();
    CHECK(s.migrate());
    CHECK(s.store.revision() == before + 1);
    CHECK_FALSE(s.store.keys().contains(key_of_a));
    CHECK_FALSE(s.store.keys().contains(key_of_b));
    CHECK_FALSE(s.store.keys().contains("/.etcd-sync/it:manifest/a"));
    CHECK(s.stored(all_mode_key).writer == "us");
}

TEST_CASE("a migration does nothing if a checkpoint of the rules was written since they were read") {
    slave_of s(consistency_mode::rule);
    SUBCASE("the first") { s.store.put(key_of_a, s.found.records[0].text.position); }
    SUBCASE("another") { s.store.put(key_of_b, s.found.records[1].text.position); }
    SUBCASE("a new one") { s.store.put("/.etcd-sync/it/c", "new"); }
    SUBCASE("the one of mode all") { s.store.put(all_mode_key, "new"); }
    SUBCASE("the store was wiped") { s.store = test::model_etcd(); }
    const auto before = s.store.keys();
    CHECK_FALSE(s.migrate());
    CHECK(s.store.keys() == before);
}

TEST_CASE("a migration does nothing if the checkpoint of mode all is not the one that was read") {
    slave_of s(consistency_mode::all);
    SUBCASE("written") { s.store.put(all_mode_key, "new"); }
    SUBCASE("deleted") { s.store.del(all_mode_key); }
    SUBCASE("a checkpoint of a rule was added") { s.store.put(key_of_a, "new"); }
    const auto before = s.store.keys();
    CHECK_FALSE(s.migrate());
    CHECK(s.store.keys() == before);
}

TEST_CASE("on a slave that accepts no nested Txns, what does not fit into one Txn is migrated in several") {
    consistency_mode from = consistency_mode::all;
    SUBCASE("to mode rule") {}
    SUBCASE("to mode all") { from = consistency_mode::rule; }
    slave_of s(from);
    txn_limits flat;
    flat.nested = false;
    flat.max_ops = 2;
    const migration plan = plan_migration(s.found, s.wanted);
    const migration_writes writes(plan, "us", "2024-01-01T00:00:00Z");
    REQUIRE(writes.size() == 6);
    for (std::size_t done = 0; done < writes.size(); done += 2) {
        const batch part = writes.next(done, flat);
        CHECK(part.writes().size() == 2);  // a position and its manifest
        CHECK(s.send(part, flat));
        // A process that finds what a crash left here trusts no checkpoint, whichever mode it has; foreign keys stay foreign.
        if (done + 2 == writes.size()) break;
        for (const consistency_mode mode : {consistency_mode::all, consistency_mode::rule}) {
            const migration next = plan_migration(s.read_all(), records_of(mode));
            CHECK_FALSE(next.steps.empty());
            for (const migration_step& step : next.steps) {
                if (!step.record) continue;
                CHECK(step.record->rules.empty());
                for (const span& each : step.record->spans) CHECK(each.since == 10);
            }
        }
    }
    CHECK(plan_migration(s.read_all(), s.wanted).steps.empty());
    CHECK(s.read_all().records.size() == s.wanted.wanted().size());
}

TEST_CASE("a migration in several Txns stops if another process writes a checkpoint meanwhile") {
    slave_of s(consistency_mode::rule);
    txn_limits flat;
    flat.nested = false;
    flat.max_ops = 2;
    const migration plan = plan_migration(s.found, s.wanted);
    const migration_writes writes(plan, "us", "2024-01-01T00:00:00Z");
    CHECK(s.send(writes.next(0, flat), flat));
    SUBCASE("one of a rule") { s.store.put(key_of_b, "new"); }
    SUBCASE("the one of mode all") { s.store.put(all_mode_key, "new"); }
    SUBCASE("the store was wiped") { s.store = test::model_etcd(); }
    const auto before = s.store.keys();
    CHECK_FALSE(s.send(writes.next(2, flat), flat));
    CHECK(s.store.keys() == before);
}
