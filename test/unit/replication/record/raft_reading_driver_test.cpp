// SPDX-License-Identifier: Apache-2.0
#include "replication/record/raft_reading.hpp"
#include "unit/replication/served.hpp"

#include <doctest/doctest.h>

#include <rpc.pb.h>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

struct rig : served {
    rig() {
        for (int i = 0; i < 10; ++i) put("/a/1", "v");
    }
    etcd::result<raft_reading> read(raft_position recorded = {}) {
        return loop.run(read_raft_position(connect(), with, 5s, keys.cover(), recorded), 1min);
    }
    /// A member that says this of itself.
    void answer(std::uint64_t index, std::uint64_t member = 0x8e9e05c52164694d) {
        etcdserverpb::StatusResponse status;
        store.fill_status(status);
        status.mutable_header()->set_member_id(member);
        status.set_raftindex(index);
        server.status = status;
    }
};

}  // namespace

TEST_CASE("index and slack of a master are read; a restart changes neither, and every entry only adds") {
    rig r;
    const auto first = r.read();
    REQUIRE(first.has_value());
    REQUIRE(first->lowest.known());
    r.put("/a/1", "v");
    r.store.compact(5);
    r.store.add_raft_entries(7);
    const auto later = r.read(first->lowest);
    REQUIRE(later.has_value());
    CHECK(later->contradiction.empty());
    CHECK(later->lowest.slack == first->lowest.slack + 8);
    CHECK(later->lowest.index == first->lowest.index + 9);
}

TEST_CASE("a store restored from a snapshot contradicts what was recorded, once that has shown for three seconds") {
    rig r;
    const auto before = r.read();
    r.store.restart_raft_log();
    for (int i = 0; i < 40; ++i) r.put("/a/1", "v");  // the index is above the recorded one again
    const auto start = r.loop.clock.now();
    const auto now = r.read(before->lowest);
    REQUIRE(now.has_value());
    CHECK_FALSE(now->contradiction.empty());
    CHECK(r.loop.clock.now() - start >= 3s);
}

TEST_CASE("one low sample contradicts nothing") {
    rig r;
    const auto before = r.read();
    r.answer(before->lowest.index - 1);
    r.loop.tasks.spawn("recover", [](rig& of) -> aio::awaitable<> {
        co_await aio::sleep(of.loop.clock, 2s);
        of.server.status.reset();
    }(r));
    const auto now = r.read(before->lowest);
    REQUIRE(now.has_value());
    CHECK(now->contradiction.empty());
}

TEST_CASE("without a Status that belongs to the reads, nothing is known, and nothing is contradicted") {
    rig r;
    SUBCASE("permitted to root only") { r.server.refuses_status = true; }
    SUBCASE("another member behind a proxy answered it") { r.answer(1'000, 5); }
    SUBCASE("no index is told") { r.answer(0); }
    const auto now = r.read({9, 9'000, 900});
    REQUIRE(now.has_value());
    CHECK_FALSE(now->lowest.known());
    CHECK(now->contradiction.empty());
}
