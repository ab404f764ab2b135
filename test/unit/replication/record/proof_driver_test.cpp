// SPDX-License-Identifier: Apache-2.0
#include "replication/record/proof.hpp"
#include "unit/replication/served.hpp"

#include <doctest/doctest.h>

#include <rpc.pb.h>
#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;
using etcd::error_class;
using verdict = proof::verdict;

namespace {

struct rig : served {
    rig() {
        put("/a/1", "v");
        put("/b/1", "v");
        put("/a/2", "v");  // 4
        put("/b/2", "v");  // 5
        record.cluster_id = 0xcdf818194e3a8c32;
        record.rev = 5;
        record.rules = keys.digest();
        record.event_revision = 4;
        record.event_digest = read_digest(4);
    }

    std::string read_digest(etcd::revision rev) {
        return loop.run(read_event_digest(connect(), with, 5s, keys, rev), 1min);
    }
    etcd::result<proof> prove() { return loop.run(prove_history({connect(), with, 5s, keys, record}), 1min); }
    verdict found() {
        const auto proved = prove();
        REQUIRE_MESSAGE(proved.has_value(), proved.error().text);
        CHECK(proved->reason.empty() == (proved->found == verdict::same));
        return proved->found;
    }
    /// Puts these keys in one Txn.
    void put_all(std::initializer_list<const char*> keys_to_put) {
        etcdserverpb::TxnRequest request;
        for (const char* key : keys_to_put) {
            etcdserverpb::PutRequest& put = *request.add_success()->mutable_request_put();
            put.set_key(key);
            put.set_value("v");
        }
        etcdserverpb::TxnResponse answer;
        REQUIRE_FALSE(store.txn(request, answer).has_value());
    }
    /// Replaces the store.
    void wipe(std::initializer_list<const char*> puts, std::uint64_t cluster_id = 0xcdf818194e3a8c32) {
        server.cut();
        test::model_etcd::settings how;
        how.cluster_id = cluster_id;
        store = test::model_etcd(how);
        for (const char* key : puts) store.put(key, "v");
    }

    checkpoint record;
};

}  // namespace

TEST_CASE("a master with the known events is the same, even after later changes") {
    rig r;
    CHECK_FALSE(r.record.event_digest.empty());
    CHECK(r.found() == verdict::same);
    for (int i = 0; i < 100; ++i) r.put("/a/2", "changed");
    CHECK(r.found() == verdict::same);
    r.store.compact(4);
    CHECK(r.found() == verdict::same);
}

TEST_CASE("another cluster id, a store behind R, or other events at E mean another master") {
    rig r;
    verdict expected = verdict::other;
    SUBCASE("other id") {
        r.wipe({"/a/1", "/b/1", "/a/2", "/b/2"}, 77);
        expected = verdict::other_cluster;
    }
    SUBCASE("wiped") { r.wipe({}); }
    SUBCASE("behind R by one") { r.wipe({"/a/1", "/b/1", "/a/2"}); }
    SUBCASE("refilled with the same keys in another order") { r.wipe({"/a/2", "/b/1", "/a/1", "/b/2", "/b/3"}); }
    SUBCASE("refilled with keys of no rule") { r.wipe({"/b/1", "/b/1", "/b/1", "/b/1", "/b/1"}); }
    SUBCASE("refilled with keys outside the watch") { r.wipe({"z", "z", "z", "z", "z", "z"}); }
    SUBCASE("found earlier, although it looks right now") { r.record.other = true; }
    CHECK(r.found() == expected);
}

TEST_CASE("without known events the history is neither verified nor rejected") {
    rig r;
    SUBCASE("no event revision") { r.record.event_revision = 0; }
    SUBCASE("no event digest") { r.record.event_digest.clear(); }
    SUBCASE("the rules changed") { r.record.rules = "other"; }
    SUBCASE("compacted, and the key of the event changed") {
        r.put("/a/2", "changed");
        r.store.compact(6);
    }
    CHECK(r.found() == verdict::unproven);
}

TEST_CASE("if E is compacted, its events in the current state prove the history") {
    rig r;
    SUBCASE("nothing changed since") {}
    SUBCASE("other keys changed since") {
        r.put("/a/1", "changed");
        r.put("/a/3", "new");
    }
    SUBCASE("E was a Txn of several keys") {
        r.put_all({"/a/7", "/a/8", "/b/7"});  // 6
        r.record.rev = 6;
        r.record.event_revision = 6;
        r.record.event_digest = r.read_digest(6);
    }
    r.store.compact(r.store.revision());
    CHECK(r.found() == verdict::same);
}

TEST_CASE("a change of one key of E leaves the history unproven, not contradicted") {
    rig r;
    r.put_all({"/a/7", "/a/8"});  // 6
    r.record.rev = 6;
    r.record.event_revision = 6;
    r.record.event_digest = r.read_digest(6);
    r.put("/a/8", "changed");
    r.store.compact(r.store.revision());
    CHECK(r.found() == verdict::unproven);
}

TEST_CASE("an anchor proves the history up to its revision, and contradicts it only up to when it was seen") {
    rig r;
    const std::string digest = [&] {
        etcd::key_value kv;
        kv.key = "/a/1";
        kv.value = "v";
        kv.create_revision = kv.mod_revision = 2;
        kv.version = 1;
        return anchor_of(kv, 0).digest;
    }();
    r.put("/a/1", "changed");  // 6
    r.store.compact(6);
    r.record.event_digest = "00000000000000ff";  // compacted, and not in the state
    r.record.anchors = {{"/a/1", 2, 2, 1, digest, 5}};
    SUBCASE("changed after it was seen") { CHECK(r.found() == verdict::unproven); }
    SUBCASE("changed before it was seen") {
        r.record.rev = 7;
        r.record.anchors[0].seen_at = 7;
        r.put("/b/9", "v");
        CHECK(r.found() == verdict::other);
    }
    SUBCASE("unchanged, but older than E") {
        r.record.anchors = {{"/a/2", 4, 4, 1, digest, 5}};
        r.record.event_revision = 5;
        CHECK(r.found() == verdict::unproven);
    }
    SUBCASE("unchanged, as new as E") {
        r.record.anchors = {{"/a/2", 4, 4, 1, digest, 5}};
        CHECK(r.found() == verdict::same);
    }
    SUBCASE("of version 0.1, without a digest") {
        r.record.anchors = {{"/a/2", 4, 4, 1, "", 5}};
        CHECK(r.found() == verdict::unproven);
    }
}

TEST_CASE("the digest of a revision can be read until the revision is compacted") {
    rig r;
    CHECK_FALSE(r.read_digest(2).empty());
    CHECK(r.read_digest(2) != r.read_digest(4));
    r.store.compact(3);
    CHECK(r.read_digest(2).empty());
    CHECK(r.read_digest(4) == r.record.event_digest);
}

TEST_CASE("a contradiction beats every proof") {
    rig r;
    REQUIRE(r.found() == verdict::same);
    SUBCASE("E replays, but an anchor is not what it was") {
        r.record.anchors = {{"/a/1", 2, 2, 1, "00000000000000aa", 5}};
    }
    SUBCASE("E replays, but the raft log is another one") { r.record.raft = {2, 100, 90}; }
    SUBCASE("E replays, but the raft term went back") { r.record.raft = {7, 1, -100}; }
    CHECK(r.found() == verdict::other);
}

TEST_CASE("that no key changed and their number is the same does not prove the history") {
    rig r;
    r.record.count = 2;
    r.del("/a/2");
    r.put("/b/9", "v");
    r.record.rev = 7;
    r.record.count = 1;
    r.record.event_revision = 6;  // a delete, so the state has nothing of E
    r.record.event_digest = "00000000000000ff";
    r.store.compact(7);
    CHECK(r.found() == verdict::unproven);
    SUBCASE("with an anchor as new as E it is proven, and R moves") {
        r.put("/a/3", "v");  // 8
        r.record.rev = r.record.event_revision = 8;
        r.record.event_digest = "00000000000000ff";
        r.record.count = 2;
        r.put("/b/9", "v");  // 9
        r.store.compact(9);
        etcd::key_value anchor;
        anchor.key = "/a/3";
        anchor.value = "v";
        anchor.create_revision = anchor.mod_revision = 8;
        anchor.version = 1;
        r.record.anchors = {anchor_of(anchor, 8)};
        CHECK(r.found() == verdict::same);
        CHECK(r.prove()->unchanged_until == 9);
    }
}

TEST_CASE("ordinary life is continuous: an anchor survives its changes, and the raft log goes on") {
    rig r;
    etcd::key_value first;
    first.key = "/a/1";
    first.value = "v";
    first.create_revision = first.mod_revision = 2;
    first.version = 1;
    r.record.anchors = {anchor_of(first, 5)};
    r.record.raft = r.prove()->raft;
    REQUIRE(r.record.raft.known());
    for (const char* key : {"/a/1", "/a/2"}) r.put(key, "changed");
    r.store.compact(r.store.revision());
    bool continuous = true;
    SUBCASE("as usual") {}
    SUBCASE("Status is permitted to root only") {
        r.server.refuses_status = true;
        continuous = false;
    }
    SUBCASE("the anchor was created again") {
        r.del("/a/1");
        r.put("/a/1", "again");
        r.store.compact(r.store.revision());
        continuous = false;
    }
    SUBCASE("there is no anchor") {
        r.record.anchors.clear();
        continuous = false;
    }
    REQUIRE(r.found() == verdict::unproven);
    CHECK(r.prove()->continuous == continuous);
}

TEST_CASE("whichever request fails, the result is an error or the correct verdict") {
    for (const test::fault what : test::every_fault) {
        std::uint64_t k = 0;
        for (bool reached = true; reached;) {
            CAPTURE(test::to_string(what));
            ++k;
            CAPTURE(k);
            rig r;
            r.record.raft = r.prove()->raft;
            const std::uint64_t before = r.server.requests();
            r.fail(k, what);
            const auto proved = r.prove();
            reached = r.server.requests() - before >= k;
            if (proved)
                CHECK(proved->found == verdict::same);
            else
                CHECK((proved.error().cls == error_class::ambiguous || proved.error().cls == error_class::retry));
            CHECK((proved || reached));
        }
        CHECK(k > 10);
    }
}
