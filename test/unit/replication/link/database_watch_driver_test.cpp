// SPDX-License-Identifier: Apache-2.0
#include "replication/link/database_alert.hpp"
#include "unit/replication/world.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view warning = "the database of the slave is above 80% of its quota";

etcdserverpb::StatusResponse status_of(std::int64_t size, std::int64_t quota) {
    etcdserverpb::StatusResponse out;
    out.set_dbsize(size);
    out.set_dbsizequota(quota);
    return out;
}

void pass(world& w, aio::clock::duration time) {
    w.eventually([] { return false; }, time);
}

}  // namespace

TEST_CASE("a database is reported when it rises above 80 % of its quota, and again only after it was below 70 %") {
    database_alert alert;
    CHECK_FALSE(alert.rises({80, 100}));
    CHECK(alert.rises({81, 100}));
    CHECK_FALSE(alert.rises({99, 100}));
    CHECK_FALSE(alert.rises({70, 100}));
    CHECK_FALSE(alert.rises({85, 100}));
    CHECK_FALSE(alert.rises({69, 100}));
    CHECK(alert.rises({85, 100}));
    CHECK(alert.rises({85, 100}) == false);
}

TEST_CASE("a database without a known quota is never reported") {
    database_alert alert;
    CHECK_FALSE(alert.rises({1'000'000, 0}));
    CHECK_FALSE(alert.rises({0, 0}));
}

TEST_CASE("a slave whose database is nearly full is warned of once, within five minutes, whether it is idle or busy") {
    world w;
    w.many(20, "v");
    SUBCASE("from the start") { w.slave_server.status = status_of(1'800, 2'000); }
    SUBCASE("later") {}
    w.start();
    REQUIRE(w.settles());
    w.slave_server.status = status_of(1'800, 2'000);
    for (int i = 0; i < 11; ++i) {
        w.put("/a/busy", "v");
        pass(w, 30s);
    }
    CHECK(w.lines.count(std::string(warning)) == 1);
    CHECK(w.told().find("endpoint=http://slave:1 size=1.8KiB quota=2.0KiB") != std::string::npos);
    pass(w, 20min);
    CHECK(w.lines.count(std::string(warning)) == 1);
    w.slave_server.status = status_of(1'000, 2'000);
    pass(w, 6min);
    w.slave_server.status = status_of(1'900, 2'000);
    pass(w, 6min);
    CHECK(w.lines.count(std::string(warning)) == 2);
    w.stop();
}

TEST_CASE("a slave that does not tell the size of its database causes no warning, and works as ever") {
    world w;
    SUBCASE("the call is unknown") {}
    SUBCASE("no quota is told, as before etcd 3.6") { w.slave_server.status = status_of(1'800, 0); }
    SUBCASE("there is room") { w.slave_server.status = status_of(1'000, 2'000); }
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    pass(w, 11min);
    w.put("/a/00001", "later");
    CHECK(w.settles());
    CHECK(w.lines.count(std::string(warning)) == 0);
    CHECK(w.lines.count("disconnected") == 0);
    w.stop();
}

TEST_CASE("a slave that does not answer how large its database is, or breaks then, loses nothing") {
    for (const test::fault what : test::every_fault) {
        // It is asked after the leader key was put, the checkpoints were read three times, and the claim: one of these.
        for (const std::uint64_t asked : {5, 6, 7, 8, 9, 10}) {
            CAPTURE(asked);
            world w;
            w.slave_server.status = status_of(1'800, 2'000);
            w.many(20, "v");
            w.slave_server.script = [&](std::uint64_t number) { return number == asked ? what : test::fault::none; };
            w.start();
            CHECK(w.settles());
            w.put("/a/00001", "later");
            CHECK(w.settles());
            CHECK(w.untruth() == "");
            w.stop();
        }
    }
}

TEST_CASE("a connection that is lost and made again is not asked again before five minutes are over") {
    world w;
    w.slave_server.status = status_of(1'000, 2'000);
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    w.slave_server.status = status_of(1'900, 2'000);
    for (int i = 0; i < 5; ++i) {
        w.slave_server.cut();
        pass(w, 20s);
        REQUIRE(w.settles());
    }
    CHECK(w.lines.count(std::string(warning)) == 0);
    pass(w, 5min);
    CHECK(w.lines.count(std::string(warning)) == 1);
    w.stop();
}
