// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/lag.hpp"
#include "replication/record/proof.hpp"
#include "unit/replication/served.hpp"

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

/// A master, and the checkpoint of a slave that is equal to it.
struct followed : served {
    followed() {
        put("/a/1", "v");
        record.event_revision = put("/a/2", "v");
        put("/b/1", "matches no rule");
        record.rev = store.revision();
        record.rules = keys.digest();
        record.event_digest = loop.run(read_event_digest(connect(), with, 5s, keys, record.event_revision), 1min);
        REQUIRE_FALSE(record.event_digest.empty());
    }

    bool current() {
        const revision until = store.revision();
        return loop.run(is_current(connect(), with, 5s, keys, record, until), 1min);
    }

    checkpoint record;
};

}  // namespace

TEST_CASE("a slave is not behind as long as none of its keys changes, however far the master is") {
    followed f;
    CHECK(f.current());
    for (int i = 0; i < 500; ++i) f.put("/b/1", "matches no rule");
    CHECK(f.current());
    SUBCASE("a put") { f.put("/a/1", "new"); }
    SUBCASE("a delete") { f.del("/a/1"); }
    CHECK_FALSE(f.current());
    f.put("/b/1", "later");
    CHECK_FALSE(f.current());
}

TEST_CASE("without a proof that no key changed a slave counts as behind") {
    followed f;
    f.put("/b/1", "matches no rule");
    SUBCASE("the events of the checkpoint are compacted") { f.store.compact(f.store.revision()); }
    SUBCASE("the events of the checkpoint are unknown") { f.record.event_digest.clear(); }
    SUBCASE("other events are there") { f.record.event_digest = "0"; }
    SUBCASE("the rules changed") { f.record.rules = "others"; }
    SUBCASE("the master does not answer") {
        f.server.script = [](std::uint64_t) { return test::fault::lost; };
    }
    CHECK_FALSE(f.current());
}
