// SPDX-License-Identifier: Apache-2.0
// Checkpoints of version 0.1, and manifests that are lost.
#include "base/escape.hpp"
#include "replication/record/checkpoint.hpp"
#include "unit/replication/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

constexpr const char* position_name = "/.etcd-sync/etcd-sync";
constexpr const char* manifest_name = "/.etcd-sync/etcd-sync:manifest";

checkpoint stored_on(const world& w) {
    const test::key_map keys = w.slave.keys();
    const auto record = parse_checkpoint({keys.at(position_name), keys.at(manifest_name)});
    REQUIRE_MESSAGE(record.has_value(), record.error().text);
    return *record;
}

/// Replaces the checkpoint by the one that version 0.1 would have.
void put_format_1(world& w) {
    const checkpoint now = stored_on(w);
    std::string anchors;
    for (const anchor& a : now.anchors) {
        anchors += fmt::format(
            R"({}{{"key_b64":"{}","create_revision":{},"mod_revision":{},"version":{},"digest":"0011223344556677"}})",
            anchors.empty() ? "" : ",", base::base64_encode(a.key), a.create_revision, a.mod_revision, a.version);
    }
    w.slave.del(manifest_name);
    w.slave.put(position_name,
                fmt::format(R"({{"format":1,"instance":"etcd-sync","cluster_id":"{:x}","raft_term":2,"revision":{},)"
                            R"("state":"follow","pass":"none","frontier_b64":"","event_revision":{},)"
                            R"("event_digest":"0011223344556677","rules":"8899aabbccddeeff",)"
                            R"("spans":[{{"start_b64":"L2Ev","end_b64":"L2Ew","since":{}}}],"writer":"","seq":{},)"
                            R"("time":"2026-11-22T19:00:00Z","anchors":[{}],"count":{}}})",
                            now.cluster_id, now.rev, now.event_revision, now.spans.at(0).since, now.seq, anchors,
                            now.count.value_or(0)));
}

}  // namespace

TEST_CASE("after an upgrade from version 0.1 everything is compared once; foreign keys stay foreign") {
    world w;
    w.slave.put("/a/foreign", "was here before");
    w.many(20, "v");
    w.start();
    REQUIRE(w.eventually([&] { return w.in_sync() && w.link().foreign_keys == 1; }));
    w.stop();
    put_format_1(w);
    const auto since = w.slave.revision();
    w.del("/a/00003");
    w.put("/a/00004", "changed meanwhile");
    SUBCASE("the master still has its history") {}
    SUBCASE("the master compacted it") { w.master.compact(w.master.revision()); }
    w.start();
    const auto expected = [&] {
        test::key_map keys = world::mirrored(w.master.keys());
        keys["/a/foreign"] = "was here before";
        return keys;
    };
    CHECK(w.eventually([&] { return w.in_sync() && world::mirrored(w.slave.keys()) == expected(); }));
    CHECK(w.lines.count("the checkpoint is of another version or consistency mode") >= 1);
    CHECK(w.link().foreign_keys == 1);
    // The claim, the passes, and two keys: nothing that was equal is written again.
    CHECK(w.link().puts == 1);
    CHECK(w.link().deletes == 1);
    CHECK(w.slave.revision() <= since + 8);
    CHECK(stored_on(w).spans.at(0).since == 3);
    w.put("/a/later", "followed");
    CHECK(w.eventually([&] { return world::mirrored(w.slave.keys()) == expected(); }));
    const auto before = w.slave.revision();
    w.stop();
    w.lines.lines.clear();
    w.start();
    CHECK(w.eventually([&] { return w.in_sync(); }));
    CHECK(w.lines.count("full sync") == 0);
    CHECK(w.slave.revision() <= before + 4);
}

TEST_CASE("a manifest that is deleted while the slave is in sync is written again, without a full sync") {
    world w;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    const checkpoint before = stored_on(w);
    w.lines.lines.clear();
    w.slave.del(manifest_name);
    CHECK(w.eventually([&] { return w.slave.keys().contains(manifest_name); }, 1min));
    const checkpoint after = stored_on(w);
    CHECK(after.spans == before.spans);
    CHECK(after.manifest_id != before.manifest_id);
    CHECK(w.lines.count("full sync") == 0);
    CHECK(w.in_sync());
    CHECK(w.untruth(w.slave.revision()) == "");
}

TEST_CASE("a checkpoint whose manifest was deleted while no process ran is not resumed, and no key is lost") {
    world w;
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    w.stop();
    w.slave.del(manifest_name);
    w.put("/a/00001", "changed");
    w.start();
    CHECK(w.settles());
    CHECK(w.lines.count("its manifest is missing") >= 1);
    CHECK(w.link().puts == 1);
}

TEST_CASE("the second daemon of an older version cannot undo what the new one claimed") {
    world w;
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    const std::string manifest = w.slave.keys().at(manifest_name);
    put_format_1(w);  // as a late write of the old one
    w.put("/a/00001", "changed");
    CHECK(w.settles());
    CHECK(w.slave.keys().at(manifest_name) != manifest);
    CHECK(stored_on(w).rev == w.master.revision());
}
