// SPDX-License-Identifier: Apache-2.0
// The whole daemon, from the text of its configuration: in memory, without sockets, files or a real clock.
#include "unit/app/machine.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using test::fault;

TEST_CASE("the daemon copies, follows, survives kill -9 and catches up without a full sync") {
    test::machine m;
    m.put_many(300, "first");
    m.put("/other/key", "matches no rule");
    m.start();
    REQUIRE(m.settles());
    CHECK(m.edge_1.keys().count("/other/key") == 0);
    CHECK(m.log.take() == "");

    m.put("/app/0007", "second");
    m.master.del("/app/0008");
    m.master_server.changed();
    REQUIRE(m.settles());
    CHECK(m.log.take().empty());

    // A Txn reaches edge-1, its answer does not: then the process dies.
    m.edge_1_server.script = [](std::uint64_t) { return fault::lost_late; };
    m.put_many(20, "third");
    REQUIRE(m.eventually([&m] { return m.equal(m.edge_2); }));
    m.kill();
    m.edge_1_server.script = nullptr;
    m.put_many(150, "while it was dead");
    m.master.del("/app/0200", "/app/0250");
    CHECK_FALSE(m.equal(m.edge_1));
    CHECK(m.log.take() == "");

    m.start();
    REQUIRE(m.settles());
    CHECK(m.log.take() == "");
    CHECK(m.terminate() == app::exit_code::ok);
    CHECK(m.log.take() == "");
}

TEST_CASE("a kill during the first copy costs nothing that was copied") {
    test::machine m;
    m.put_many(1'000, std::string(2'000, 'x'));
    m.start();
    REQUIRE(m.eventually([&m] { return m.edge_1.keys().size() > 100; }));
    CHECK_FALSE(m.equal(m.edge_1));
    m.kill();
    m.put("/app/0000", "changed while it was dead");
    m.start();
    REQUIRE(m.settles());
    CHECK(m.log.take() == "");
}

TEST_CASE("connections that break are made again, and nothing is lost") {
    test::machine m;
    m.put_many(10, "first");
    m.start();
    REQUIRE(m.settles());
    m.log.take();

    m.edge_1_server.refuse(true);
    m.edge_1_server.cut();
    m.put_many(10, "second");
    REQUIRE(m.eventually([&m] { return m.equal(m.edge_2); }));
    m.master_server.cut();
    m.put_many(5, "third");
    REQUIRE(m.eventually([&m] { return m.equal(m.edge_2); }));
    m.edge_1_server.refuse(false);
    REQUIRE(m.settles());
    CHECK(m.log.take() == "");
}
