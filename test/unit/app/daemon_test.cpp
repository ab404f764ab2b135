// SPDX-License-Identifier: Apache-2.0
// The complete daemon, started from the text of its configuration, without sockets, files or a real clock.
#include "unit/app/machine.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using test::fault;

namespace {

void check_each(const test::machine& m, std::string_view message, std::size_t times) {
    for (const std::string_view slave : {"edge-1", "edge-2"}) {
        CAPTURE(message);
        CAPTURE(slave);
        CHECK(m.log.count(message, slave) == times);
    }
}

}  // namespace

TEST_CASE("the daemon copies, follows, survives kill -9 and catches up without a full sync") {
    test::machine m;
    m.put_many(300, "first");
    m.put("/other/key", "matches no rule");
    m.start();
    REQUIRE(m.settles());
    CHECK(m.edge_1.keys().count("/other/key") == 0);
    CHECK(m.log.count("connected to the master") == 1);
    check_each(m, "full sync", 1);
    check_each(m, "in sync", 1);

    m.log.lines.clear();
    m.put("/app/0007", "second");
    m.master.del("/app/0008");
    m.master_server.changed();
    REQUIRE(m.settles());
    CHECK(m.log.lines.empty());

    // A Txn reaches edge-1, but its response is lost; then the process is killed.
    m.edge_1_server.script = [](std::uint64_t) { return fault::lost_late; };
    m.put_many(20, "third");
    REQUIRE(m.eventually([&m] { return m.equal(m.edge_2); }));
    m.kill();
    m.edge_1_server.script = nullptr;
    m.put_many(150, "while it was dead");
    m.master.del("/app/0200", "/app/0250");
    CHECK_FALSE(m.equal(m.edge_1));

    m.log.lines.clear();
    m.start();
    REQUIRE(m.settles());
    check_each(m, "full sync", 0);
    check_each(m, "in sync", 1);
    CHECK(m.terminate() == app::exit_code::ok);
    CHECK(m.log.count("stopping") == 1);
}

TEST_CASE("a first full sync that was killed is completed after a restart") {
    test::machine m;
    m.put_many(2'000, std::string(2'000, 'v'));  // more than one Txn
    m.edge_1_server.script = [&m](std::uint64_t) { return m.edge_1.keys().size() > 100 ? fault::lost : fault::none; };
    m.start();
    REQUIRE(m.eventually([&m] { return m.edge_1.keys().size() > 100; }));
    CHECK_FALSE(m.equal(m.edge_1));
    m.kill();
    m.edge_1_server.script = nullptr;
    m.put("/app/0000", "changed while it was dead");
    m.log.lines.clear();
    m.start();
    REQUIRE(m.settles());
    check_each(m, "in sync", 1);
}

TEST_CASE("broken connections to a slave and to the master are reestablished, and nothing is lost") {
    test::machine m;
    m.put_many(10, "first");
    m.start();
    REQUIRE(m.settles());
    m.log.lines.clear();

    m.edge_1_server.refuse(true);
    m.edge_1_server.cut();
    m.put_many(10, "second");
    REQUIRE(m.eventually([&m] { return m.equal(m.edge_2); }));
    CHECK(m.log.count("disconnected; retrying", "edge-1") == 1);
    CHECK(m.log.count("disconnected; retrying", "edge-2") == 0);
    m.master_server.cut();
    m.put_many(5, "third");
    REQUIRE(m.eventually([&m] { return m.equal(m.edge_2); }));
    m.edge_1_server.refuse(false);
    REQUIRE(m.settles());
    CHECK(m.log.count("in sync", "edge-1") == 1);
    check_each(m, "full sync", 0);
}
