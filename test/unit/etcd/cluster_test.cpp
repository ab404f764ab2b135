// SPDX-License-Identifier: Apache-2.0
#include "etcd/cluster.hpp"

#include "support/capture_sink.hpp"
#include "support/memory_stream.hpp"
#include "support/scripted_peer.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <rpc.pb.h>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;

namespace {

struct rig {
    explicit rig(bool with_user = false) {
        etcd::cluster_options options;
        options.endpoints = {{"http://a:1", "a", 1, nullptr, {}},
                             {"http://b:2", "b", 2, nullptr, {}},
                             {"http://c:3", "c", 3, nullptr, {}}};
        options.dial_timeout = 3s;
        options.log = std::make_shared<etcd::endpoint_log>(log);
        options.pings = std::make_shared<etcd::ping_intervals>(log);
        if (with_user) options.auth = user();
        cluster = std::make_unique<etcd::cluster>(dialer, loop.clock, loop.tasks, options);
    }

    void listen(const std::string& url, const std::string& refusal = {}, std::uint64_t cluster_id = 1) {
        dialer.listen(url, [this, refusal, cluster_id] {
            test::memory_connection made(loop.executor());
            peers.push_back(std::make_unique<test::scripted_peer>(loop, std::move(made.server)));
            peers.back()->server().on_end = [this, refusal, cluster_id,
                                             peer = peers.back().get()](http2::stream_id id) {
                if (peer->server().request(id).value(":path") == "/etcdserverpb.Auth/Authenticate")
                    return log_in(*peer, id);
                if (!refusal.empty()) return peer->refuse(id, 14, refusal);
                etcdserverpb::RangeResponse page;
                page.mutable_header()->set_cluster_id(cluster_id);
                page.mutable_header()->set_revision(7);
                if (has_leader) return peer->reply(id, page.SerializeAsString());
                peer->refuse(id, 14, "etcdserver: no leader");
            };
            return std::move(made.client);
        });
    }

    std::shared_ptr<etcd::authenticator> user() {
        etcd::credentials who;
        who.user = "replicator";
        who.read_password = [this]() -> base::result<std::string> {
            if (password.empty()) return base::error("the password file /p cannot be read: No such file");
            return base::result<std::string>(boost::system::in_place_value, password);
        };
        return std::make_shared<etcd::authenticator>(std::move(who), loop.clock, loop.executor());
    }

    void log_in(test::scripted_peer& peer, http2::stream_id id) {
        etcdserverpb::AuthenticateRequest asked;
        REQUIRE(asked.ParseFromString(peer.messages(id).at(0)));
        if (asked.password() != "secret") return peer.refuse(id, 3, "etcdserver: authentication failed");
        etcdserverpb::AuthenticateResponse response;
        response.set_token("token");
        peer.reply(id, response.SerializeAsString());
    }

    /// The host that accepted the connection, or the error.
    std::string connect() {
        const net::channel_options options;
        const auto channel = loop.run(cluster->connect(options), 1min);
        return channel ? (*channel)->peer().host : channel.error().text;
    }

    test::test_loop loop;
    test::memory_dialer dialer{loop.clock};
    test::capture_sink logged;
    observe::logger log{logged, observe::log_level::trace};
    std::string password;
    std::vector<std::unique_ptr<test::scripted_peer>> peers;
    std::unique_ptr<etcd::cluster> cluster;
    bool has_leader = true;
};

etcd::range_query some_key() {
    etcd::range_query probe;
    probe.key = "k";
    return probe;
}

}  // namespace

TEST_CASE(
    "the first endpoint in the order of the configuration that accepts a connection is used, and tried first the next "
    "time") {
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

TEST_CASE("an endpoint that does not answer costs only the dial timeout") {
    rig r;
    r.dialer.black_hole("http://a:1");
    r.listen("http://b:2");
    const auto before = r.loop.clock.now();
    CHECK(r.connect() == "b");
    CHECK(r.loop.clock.now() - before == 3s);
}

TEST_CASE("if no endpoint accepts a connection, each is tried once and the error has all causes") {
    rig r;
    CHECK(r.connect() ==
          "connect a:1: Connection refused; connect b:2: Connection refused; connect c:3: Connection refused");
    CHECK(r.dialer.dialed().size() == 3);
    CHECK(r.logged.lines.empty());
}

TEST_CASE("among several causes a refusal decides the class, and equal causes are reported once") {
    rig r;
    r.dialer.deny("http://b:2", "the server refused our client certificate");
    r.dialer.deny("http://c:3", "the server refused our client certificate");
    const net::channel_options options;
    const auto channel = r.loop.run(r.cluster->connect(options), 1min);
    REQUIRE(channel.has_error());
    CHECK(channel.error().cls == etcd::error_class::denied);
    CHECK(channel.error().text == "connect a:1: Connection refused; the server refused our client certificate");
}

TEST_CASE("if the user is refused, the other endpoints are not tried until the next connect") {
    rig r(true);
    r.listen("http://b:2");
    r.listen("http://c:3");
    SUBCASE("because the password cannot be read") {}
    SUBCASE("by the cluster") { r.password = "wrong"; }
    for (int i = 0; i < 3; ++i) {
        CHECK(r.connect().ends_with("(user \"replicator\")"));
        CHECK(r.dialer.dialed().size() == static_cast<std::size_t>(2 * (i + 1)));
    }
    // The first endpoint is still down, which does not concern the user.
    r.password = "secret";
    CHECK(r.connect() == "b");
}

TEST_CASE("an unavailable endpoint is logged once until it is available again") {
    rig r;
    r.cluster->set_health_probe(some_key());
    const auto listening = r.cluster->enable_failback([] {});
    r.listen("http://b:2", "etcdserver: rpc not supported for learner");
    r.listen("http://c:3");
    for (int i = 0; i < 3; ++i) {
        r.cluster->avoid({"http://c:3", "c", 3, nullptr, {}});
        CHECK(r.connect() == "c");
    }
    CHECK(r.logged.count(
              "warn an endpoint is unavailable, another one serves endpoint=http://a:1 cause=connect a:1: Conn") == 1);
    CHECK(r.logged.count("endpoint=http://b:2") == 1);
    CHECK(r.logged.count("learner") == 1);
    CHECK(r.logged.lines.size() == 2);
    r.listen("http://a:1");
    r.loop.clock.advance(31s);
    CHECK(r.logged.count("info an endpoint is available again endpoint=http://a:1") == 1);
    CHECK(r.connect() == "a");
    r.dialer.refuse("http://a:1");
    CHECK(r.connect() == "c");
    CHECK(r.logged.count("unavailable, another one serves endpoint=http://a:1") == 2);
    CHECK(r.logged.lines.size() == 4);
}

TEST_CASE("an endpoint that was avoided is tried last the next time") {
    rig r;
    for (const char* url : {"http://a:1", "http://b:2", "http://c:3"}) r.listen(url);
    CHECK(r.connect() == "a");
    r.cluster->avoid({"http://a:1", "a", 1, nullptr, {}});
    CHECK(r.connect() == "b");
    CHECK(r.connect() == "b");
    r.cluster->avoid({"http://b:2", "b", 2, nullptr, {}});
    r.dialer.refuse("http://c:3");
    CHECK(r.connect() == "a");
    r.cluster->avoid({"http://unknown:9", "unknown", 9, nullptr, {}});
    CHECK(r.connect() == "a");
}

TEST_CASE("a cluster without endpoints is an error, not a crash") {
    rig r;
    etcd::cluster empty(r.dialer, r.loop.clock, r.loop.tasks, {});
    const net::channel_options options;
    CHECK(r.loop.run(empty.connect(options)).has_error());
}

TEST_CASE("a member that cannot serve is skipped while another one can") {
    rig r;
    r.cluster->set_health_probe(some_key());
    r.listen("http://b:2", "etcdserver: rpc not supported for learner");
    r.listen("http://c:3");
    CHECK(r.connect() == "c");
    CHECK(r.connect() == "c");
    r.dialer.refuse("http://c:3");
    CHECK(r.connect().find("rpc not supported for learner (UNAVAILABLE)") != std::string::npos);
    // Every member would refuse this: the endpoint is healthy.
    r.listen("http://a:1", "etcdserver: permission denied");
    CHECK(r.connect() == "a");
}

TEST_CASE("the cluster fails back to a preferred endpoint when it answers again") {
    rig r;
    int failbacks = 0;
    r.cluster->set_health_probe(some_key());
    const auto listening = r.cluster->enable_failback([&failbacks] { ++failbacks; });
    r.listen("http://b:2");
    CHECK(r.connect() == "b");
    r.loop.clock.advance(65s);
    CHECK(failbacks == 0);
    r.has_leader = false;
    r.listen("http://a:1");
    r.loop.clock.advance(60s);
    CHECK(failbacks == 0);  // it accepts connections, but cannot serve
    CHECK(r.cluster->preferred().host == "b");
    r.has_leader = true;
    r.loop.clock.advance(30s);
    CHECK(failbacks == 1);
    CHECK(r.connect() == "a");
    const std::size_t dialed = r.dialer.dialed().size();
    r.loop.clock.advance(5min);
    CHECK(r.dialer.dialed().size() == dialed);
    // And again.
    r.dialer.refuse("http://a:1");
    CHECK(r.connect() == "b");
    r.listen("http://a:1");
    r.loop.clock.advance(31s);
    CHECK(failbacks == 2);
}

TEST_CASE("without enable_failback there is no failback") {
    rig r;
    r.listen("http://b:2");
    CHECK(r.connect() == "b");
    r.listen("http://a:1");
    r.loop.clock.advance(10min);
    CHECK(r.connect() == "b");
}

TEST_CASE("an endpoint that is not a member of the cluster is skipped, and there is no failback to it") {
    rig r;
    r.cluster->set_health_probe(some_key());
    int failbacks = 0;
    const auto listening = r.cluster->enable_failback([&failbacks] { ++failbacks; });
    r.listen("http://a:1", "who are you?");
    r.listen("http://b:2");
    CHECK(r.connect() == "b");
    r.loop.clock.advance(10min);
    CHECK(failbacks == 0);
}

TEST_CASE("there is no failback to a re-created member, because it is another cluster") {
    rig r;
    r.cluster->set_health_probe(some_key());
    int failbacks = 0;
    const auto listening = r.cluster->enable_failback([&failbacks] { ++failbacks; });
    r.listen("http://b:2");
    CHECK(r.connect() == "b");
    r.listen("http://a:1", "", 2);
    r.loop.clock.advance(10min);
    CHECK(failbacks == 0);
    r.listen("http://a:1");
    r.loop.clock.advance(1min);
    CHECK(failbacks == 1);
}

TEST_CASE("an endpoint that fails after each failback is tried less and less often") {
    rig r;
    r.cluster->set_health_probe(some_key());
    int failbacks = 0;
    const auto listening = r.cluster->enable_failback([&failbacks] { ++failbacks; });
    r.listen("http://b:2");
    CHECK(r.connect() == "b");
    r.listen("http://a:1");
    const auto live = [&] {
        for (int i = 0; i < 3600; ++i) {
            r.loop.clock.advance(1s);
            if (r.cluster->preferred().host != "a") continue;
            CHECK(r.connect() == "a");
            r.cluster->avoid({"http://a:1", "a", 1, nullptr, {}});
            CHECK(r.connect() == "b");
        }
    };
    live();
    CHECK(failbacks >= 5);
    CHECK(failbacks <= 12);
}

TEST_CASE(
    "a member that complains about too many pings is sent fewer on the next connection, by every user of the cluster") {
    rig r;
    r.listen("http://a:1");
    const net::channel_options usual;
    const auto pings_within = [&](aio::clock::duration time) {
        auto connected = r.loop.run(r.cluster->connect(usual), 10s);
        REQUIRE(connected.has_value());
        const auto watch = (*connected)->open("/etcdserverpb.Watch/Watch", {});
        auto& server = r.peers.back()->server();
        const auto before = server.pings();
        r.loop.clock.advance(time);
        const auto pings = server.pings() - before;
        server.goaway(1, http2::error_code::enhance_your_calm, "too_many_pings");
        r.peers.back()->flush();
        r.loop.settle();
        r.loop.clock.advance(3s);
        return pings;
    };
    CHECK(pings_within(65s) == 6);
    CHECK(pings_within(65s) == 3);
    CHECK(pings_within(65s) == 1);
    CHECK(pings_within(65s) == 0);
}
