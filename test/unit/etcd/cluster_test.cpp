// SPDX-License-Identifier: Apache-2.0
#include "etcd/cluster.hpp"

#include "support/memory_stream.hpp"
#include "support/scripted_peer.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;

namespace {

struct rig {
    rig() {
        etcd::cluster_options options;
        options.endpoints = {
            {"http://a:1", "a", 1, false}, {"http://b:2", "b", 2, false}, {"http://c:3", "c", 3, false}};
        options.dial_timeout = 3s;
        cluster = std::make_unique<etcd::cluster>(dialer, loop.clock, loop.tasks, options);
    }

    void listen(const std::string& url) {
        dialer.listen(url, [this] {
            test::memory_connection made(loop.executor());
            peers.push_back(std::make_unique<test::scripted_peer>(loop, std::move(made.server)));
            return std::move(made.client);
        });
    }

    /// The host that took the connection, or the error.
    std::string connect() {
        const net::channel_options options;
        const auto channel = loop.run(cluster->connect(options), 1min);
        return channel ? (*channel)->peer().host : channel.error().text;
    }

    test::test_loop loop;
    test::memory_dialer dialer{loop.clock};
    std::vector<std::unique_ptr<test::scripted_peer>> peers;
    std::unique_ptr<etcd::cluster> cluster;
};

}  // namespace

TEST_CASE(
    "the first endpoint that takes a connection is used, in the order of the configuration, and stays the first "
    "choice") {
    rig r;
    r.listen("http://b:2");
    r.listen("http://c:3");
    CHECK(r.connect() == "b");
    r.listen("http://a:1");
    CHECK(r.connect() == "b");
    r.dialer.refuse("http://b:2");
    CHECK(r.connect() == "c");
    r.dialer.refuse("http://c:3");
    CHECK(r.connect() == "a");
}

TEST_CASE("an endpoint that does not answer costs the dial time-out, no more") {
    rig r;
    r.dialer.black_hole("http://a:1");
    r.listen("http://b:2");
    const auto before = r.loop.clock.now();
    CHECK(r.connect() == "b");
    CHECK(r.loop.clock.now() - before == 3s);
}

TEST_CASE("where no endpoint takes a connection the last error is told, and each was tried once") {
    rig r;
    CHECK(r.connect() == "connect c:3: Connection refused");
    CHECK(r.dialer.dialed().size() == 3);
}

TEST_CASE("an endpoint of no use is tried last the next time") {
    rig r;
    for (const char* url : {"http://a:1", "http://b:2", "http://c:3"}) r.listen(url);
    CHECK(r.connect() == "a");
    r.cluster->avoid({"http://a:1", "a", 1, false});
    CHECK(r.connect() == "b");
    CHECK(r.connect() == "b");
    r.cluster->avoid({"http://b:2", "b", 2, false});
    r.dialer.refuse("http://c:3");
    CHECK(r.connect() == "a");
    r.cluster->avoid({"http://unknown:9", "unknown", 9, false});
    CHECK(r.connect() == "a");
}

TEST_CASE("a cluster without endpoints is an error, not a crash") {
    rig r;
    etcd::cluster empty(r.dialer, r.loop.clock, r.loop.tasks, {});
    const net::channel_options options;
    CHECK(r.loop.run(empty.connect(options)).has_error());
}
