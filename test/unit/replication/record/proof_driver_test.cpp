// SPDX-License-Identifier: Apache-2.0
#include "replication/record/proof.hpp"
#include "unit/replication/served.hpp"

#include <doctest/doctest.h>

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
    etcd::result<proof> prove() { return loop.run(prove_history(connect(), with, 5s, keys, record), 1min); }
    verdict found() {
        const auto proved = prove();
        REQUIRE_MESSAGE(proved.has_value(), proved.error().text);
        CHECK(proved->reason.empty() == (proved->found == verdict::same));
        return proved->found;
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
    SUBCASE("other id") { r.wipe({"/a/1", "/b/1", "/a/2", "/b/2"}, 77); }
    SUBCASE("wiped") { r.wipe({}); }
    SUBCASE("behind R by one") { r.wipe({"/a/1", "/b/1", "/a/2"}); }
    SUBCASE("refilled with the same keys in another order") { r.wipe({"/a/2", "/b/1", "/a/1", "/b/2", "/b/3"}); }
    SUBCASE("refilled with keys of no rule") { r.wipe({"/b/1", "/b/1", "/b/1", "/b/1", "/b/1"}); }
    SUBCASE("refilled with keys outside the watch") { r.wipe({"z", "z", "z", "z", "z", "z"}); }
    CHECK(r.found() == verdict::other);
}

TEST_CASE("without known events the history is neither verified nor rejected") {
    rig r;
    SUBCASE("no event revision") { r.record.event_revision = 0; }
    SUBCASE("no event digest") { r.record.event_digest.clear(); }
    SUBCASE("the rules changed") { r.record.rules = "other"; }
    SUBCASE("compacted") { r.store.compact(5); }
    CHECK(r.found() == verdict::unproven);
}

TEST_CASE("the digest of a revision can be read until the revision is compacted") {
    rig r;
    CHECK_FALSE(r.read_digest(2).empty());
    CHECK(r.read_digest(2) != r.read_digest(4));
    r.store.compact(3);
    CHECK(r.read_digest(2).empty());
    CHECK(r.read_digest(4) == r.record.event_digest);
}

TEST_CASE("whichever request fails, the result is an error or the correct verdict") {
    for (const test::fault what : test::every_fault) {
        for (std::uint64_t k = 1; k <= 3; ++k) {
            CAPTURE(test::to_string(what));
            CAPTURE(k);
            rig r;
            r.fail(k, what);
            const auto proved = r.prove();
            if (proved)
                CHECK(proved->found == verdict::same);
            else
                CHECK((proved.error().cls == error_class::ambiguous || proved.error().cls == error_class::retry));
            CHECK(proved.has_value() == (k == 3));
        }
    }
}
