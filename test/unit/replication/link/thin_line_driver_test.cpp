// SPDX-License-Identifier: Apache-2.0
// Lines that carry little, or break often: progress counts, not time alone (design.md section 6, Deadlines).
#include "unit/replication/setup/two_slaves.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

/// Values that no two keys share.
void fill(world& w, int count, std::size_t size) {
    for (int i = 0; i < count; ++i) w.put(fmt::format("/a/{:05}", i), fmt::format("{}{}", std::string(size, 'v'), i));
}

/// Breaks the connections 4 s after they were made, until `condition`. False after `patience`.
bool despite_cuts(world& w, test::model_server& server, aio::clock::duration patience,
                  const std::function<bool()>& condition) {
    const auto until = w.loop.clock.now() + patience;
    while (w.loop.clock.now() < until) {
        const auto requests = server.requests();
        if (!w.eventually([&] { return server.requests() > requests; }, 20s)) return condition();
        if (w.eventually(condition, 4s)) return true;
        server.cut();
    }
    return false;
}

}  // namespace

TEST_CASE("over 8 kB/s to the slave 300 kB and a value of 100 kB arrive in the time they take, and are sent once") {
    world w;
    fill(w, 150, 2'000);
    w.put("/a/00050x", std::string(100'000, 'x'));
    w.slave_server.thin(8'000);
    w.start();
    CHECK(w.settles(60s));
    CHECK(w.slave_server.bytes_received() < 450'000);
    CHECK(w.told().find("disconnected") == std::string::npos);
    w.put("/a/00001", "small");
    CHECK(w.settles(2s));
    CHECK(w.untruth().empty());
}

TEST_CASE("over 8 kB/s from the master 300 kB and a value of 100 kB arrive in the time they take") {
    world w;
    fill(w, 150, 2'000);
    w.put("/a/00050x", std::string(100'000, 'x'));
    w.master_server.thin(8'000);
    w.start();
    CHECK(w.settles(90s));
    CHECK(w.untruth().empty());
}

TEST_CASE("over 1,000 B/s changes are followed, and a slave that was away catches up") {
    world w;
    fill(w, 20, 20);
    w.slave_server.thin(1'000);
    w.master_server.thin(1'000);
    w.start();
    CHECK(w.settles(60s));
    for (int i = 0; i < 20; ++i) {
        w.put("/a/00001", fmt::format("{}", i));
        w.loop.clock.advance(5s);
        CHECK(w.exact());
    }
    CHECK(w.told().find("disconnected") == std::string::npos);
    w.slave_server.refuse(true);
    w.slave_server.cut();
    fill(w, 20, 1'000);
    w.slave_server.refuse(false);
    CHECK(w.settles(2min));
    CHECK(w.untruth().empty());
}

TEST_CASE("a line to the slave that breaks every 4 s carries everything") {
    for (const bool has_old_keys : {false, true}) {
        CAPTURE(has_old_keys);
        world w;
        fill(w, 300, 2'000);
        if (has_old_keys) {
            w.start();
            REQUIRE(w.settles());
            for (int i = 0; i < 300; i += 10) w.slave.put(fmt::format("/a/{:05}", i), "another client's");
        }
        w.slave_server.thin(64'000);
        const auto sent = w.slave_server.bytes_received();
        has_old_keys ? static_cast<void>(w.running().resync("default")) : w.start();
        CHECK(despite_cuts(w, w.slave_server, has_old_keys ? 90s : 30s, [&] { return w.in_sync() && w.exact(); }));
        CHECK(w.slave_server.bytes_received() - sent < 1'500'000);
        if (!has_old_keys) CHECK(w.untruth().empty());
    }
}

TEST_CASE("a line to the master that breaks every 4 s carries everything") {
    world w;
    fill(w, 300, 2'000);
    w.master_server.thin(64'000);
    w.start();
    CHECK(despite_cuts(w, w.master_server, 1min, [&] { return w.in_sync() && w.exact(); }));
    CHECK(w.untruth().empty());
}

TEST_CASE("a large revision that the line does not carry in one piece arrives in parts, later ones in one again") {
    world w;
    fill(w, 10, 10);
    w.start();
    REQUIRE(w.settles());
    w.slave_server.thin(64'000);
    etcdserverpb::TxnRequest txn;
    for (int i = 0; i < 100; ++i) {
        auto& put = *txn.add_success()->mutable_request_put();
        put.set_key(fmt::format("/a/large{:03}", i));
        put.set_value(std::string(6'000, 'x'));
    }
    etcdserverpb::TxnResponse unused;
    REQUIRE_FALSE(w.master.txn(txn, unused).has_value());
    w.master_server.changed();
    CHECK_FALSE(despite_cuts(w, w.slave_server, 20s, [&] { return w.in_sync() && w.exact(); }));
    REQUIRE(w.settles());
    const auto splits = w.link().splits;
    CHECK(splits > 0);
    w.slave_server.thin(0);
    for (int i = 0; i < 1'000; ++i) {
        w.put("/a/00001", fmt::format("{}", i));
        w.loop.clock.advance(10ms);
    }
    REQUIRE(w.settles());
    REQUIRE_FALSE(w.master.txn(txn, unused).has_value());
    w.master_server.changed();
    REQUIRE(w.settles());
    CHECK(w.link().splits == splits);
    CHECK(w.untruth().empty());
}

TEST_CASE("the first copy over a very thin line lets other slaves go first, and ends nevertheless") {
    two_slaves w;
    w.settings.replicate.full_sync_parallel = 1;
    w.settings.replicate.memory_limit.value = 2U << 20;
    w.settings.replicate.log_limit.value = 1U << 20;
    fill(w, 300, 1'000);
    w.slave_server.thin(3'000);
    w.start();
    const auto other_is_copied = [&] {
        return w.link("other").state == link_state::in_sync && w.is_copied(w.other, "/a/");
    };
    w.other_server.refuse(true);
    REQUIRE(w.eventually([&] { return w.link("default").state == link_state::full_sync; }));
    w.other_server.refuse(false);
    CHECK(w.eventually(other_is_copied, 100s));
    CHECK_FALSE(w.is_copied(w.slave, "/a/"));
    CHECK(w.eventually([&] { return w.is_copied(w.slave, "/a/") && w.in_sync(); }, 10min));
}

TEST_CASE("slaves in their first copy do not keep another one from catching up") {
    two_slaves w;
    w.settings.replicate.full_sync_parallel = 1;
    w.settings.replicate.log_limit.value = 64U << 10;
    w.settings.replicate.memory_limit.value = 2U << 20;
    fill(w, 100, 1'000);
    w.slave_server.refuse(true);
    w.start();
    REQUIRE(w.eventually([&] { return w.link("other").state == link_state::in_sync; }));
    w.other_server.refuse(true);
    w.other_server.cut();
    fill(w, 300, 2'000);
    w.slave_server.thin(10'000);
    w.slave_server.refuse(false);
    REQUIRE(w.eventually([&] { return w.link("default").state == link_state::full_sync; }));
    w.other_server.refuse(false);
    CHECK(
        w.eventually([&] { return w.link("other").state == link_state::in_sync && w.is_copied(w.other, "/a/"); }, 15s));
    CHECK(w.link("default").state == link_state::full_sync);
}
