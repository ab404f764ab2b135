// SPDX-License-Identifier: Apache-2.0
#include "support/exact.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace etcdsync::test;
using namespace std::chrono_literals;

TEST_CASE("only the keys that the rules select are copied and then replicated") {
    etcd_server master{role::master};
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    etcd_client at_slave(slave.port());
    at_master.put("/com/a", "1");
    at_master.put("/com/b", "");
    at_master.put("/com", "left");
    at_master.put("/com0", "right");

    sync_daemon sync(
        fmt::format("[master]\nendpoints = [\"{}\"]\n[[slave]]\nendpoints = [\"{}\"]\n[[rule]]\nprefix = \"/com/\"\n",
                    master.url(), slave.url()));
    sync.start();
    const auto exact = [&] {
        return difference(with_prefix(keys_of(at_master), {"/com/"}), keys_of(at_slave)).empty();
    };
    CHECK(eventually(exact, patience(10s)));
    at_master.put("/com/c", "3");
    at_master.del("/com/a");
    CHECK(eventually(exact, patience(5s)));
    CHECK(keys_of(at_slave).size() == 2);
    CHECK(sync.terminate() == 0);
    INFO(sync.output());
    CHECK(sync.output().find("in sync") != std::string::npos);
}
