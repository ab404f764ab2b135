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
        options.news = std::make_shared<etcd::endpoint_news>(log);
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
            if (password.empty()) return base::error("the password file /p can not be read: No such file");
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

    /// The host that took the connection, or the error.
    std::string connect() {
        const net::channel_options options;
        const auto channel = loop.run(cluster->connect(options), 1min);
        return channel ? (*channel)->peer().host : channel.error().text;
    }

    test::test_loop loop;
    test::memory_dialer dialer{loop.clock};
    test::capture_sink said;
    observe::logger log{said, observe::log_level::trace};
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

TEST_CASE("where no endpoint takes a connection the cause of each is told, and each was tried once") {
    rig r;
    CHECK(r.connect() ==
          "connect a:1: Connection refused; connect b:2: Connection refused; connect c:3: Connection refused");
    CHECK(r.dialer.dialed().size() == 3);
    CHECK(r.said.lines.empty());
}

TEST_CASE("of several causes a refusal decides what it is, and the same cause is told once") {
    rig r;
    r.dialer.deny("http://b:2", "the server refused our client certificate");
    r.dialer.deny("http://c:3", "the server refused our client certificate");
    const net::channel_options options;
    const auto channel = r.loop.run(r.cluster->connect(options), 1min);
    REQUIRE(channel.has_error());
    CHECK(channel.error().cls == etcd::error_class::denied);
    CHECK(channel.error().text == "connect a:1: Connection refused; the server refused our client certificate");
}

TEST_CASE("where a user is refused the other endpoints are not asked, and the next time they are") {
    rig r(true);
    r.listen("http://b:2");
    r.listen("http://c:3");
    SUBCASE("for a password that can not be read") {}
    SUBCASE("by the cluster") { r.password = "wrong"; }
    for (int i = 0; i < 3; ++i) {
        CHECK(r.connect().ends_with("(user \"replicator\")"));
        CHECK(r.dialer.dialed().size() == static_cast<std::size_t>(2 * (i + 1)));
    }
    // The first endpoint is as dead as before: that says nothing of the user.
    r.password = "secret";
    CHECK(r.connect() == "b");
}

TEST_CASE("an endpoint that is passed over is told once, until it works again") {
    rig r;
    r.cluster->pass_over_unfit(some_key());
    r.cluster->watch_for_return([] {});
    r.listen("http://b:2", "etcdserver: rpc not supported for learner");
    r.listen("http://c:3");
    for (int i = 0; i < 3; ++i) {
        r.cluster->avoid({"http://c:3", "c", 3, nullptr, {}});
        CHECK(r.connect() == "c");
    }
    CHECK(r.said.count(
              "warn an endpoint is of no use, another one serves endpoint=http://a:1 cause=connect a:1: Conn") == 1);
    CHECK(r.said.count("endpoint=http://b:2") == 1);
    CHECK(r.said.count("learner") == 1);
    CHECK(r.said.lines.size() == 2);
    r.listen("http://a:1");
    r.loop.clock.advance(31s);
    CHECK(r.said.count("info an endpoint is of use again endpoint=http://a:1") == 1);
    CHECK(r.connect() == "a");
    r.dialer.refuse("http://a:1");
    CHECK(r.connect() == "c");
    CHECK(r.said.count("of no use, another one serves endpoint=http://a:1") == 2);
    CHECK(r.said.lines.size() == 4);
}

TEST_CASE("an endpoint of no use is tried last the next time") {
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

TEST_CASE("a member that says it can not serve is passed over, as long as there is another") {
    rig r;
    r.cluster->pass_over_unfit(some_key());
    r.listen("http://b:2", "etcdserver: rpc not supported for learner");
    r.listen("http://c:3");
    CHECK(r.connect() == "c");
    CHECK(r.connect() == "c");
    r.dialer.refuse("http://c:3");
    CHECK(r.connect().find("rpc not supported for learner (UNAVAILABLE)") != std::string::npos);
    // What is refused everywhere is no reason to go elsewhere.
    r.listen("http://a:1", "etcdserver: permission denied");
    CHECK(r.connect() == "a");
}

TEST_CASE("an endpoint that comes first is gone back to when it answers again") {
    rig r;
    int told = 0;
    r.cluster->pass_over_unfit(some_key());
    r.cluster->watch_for_return([&told] { ++told; });
    r.listen("http://b:2");
    CHECK(r.connect() == "b");
    r.loop.clock.advance(65s);
    CHECK(told == 0);
    r.has_leader = false;
    r.listen("http://a:1");
    r.loop.clock.advance(60s);
    CHECK(told == 0);  // it takes connections, but could not serve
    CHECK(r.cluster->preferred().host == "b");
    r.has_leader = true;
    r.loop.clock.advance(30s);
    CHECK(told == 1);
    CHECK(r.connect() == "a");
    const std::size_t dialed = r.dialer.dialed().size();
    r.loop.clock.advance(5min);
    CHECK(r.dialer.dialed().size() == dialed);
    // And once more.
    r.dialer.refuse("http://a:1");
    CHECK(r.connect() == "b");
    r.listen("http://a:1");
    r.loop.clock.advance(31s);
    CHECK(told == 2);
}

TEST_CASE("who did not ask for it is not led back to the first endpoint") {
    rig r;
    r.listen("http://b:2");
    CHECK(r.connect() == "b");
    r.listen("http://a:1");
    r.loop.clock.advance(10min);
    CHECK(r.connect() == "b");
}

TEST_CASE(
    "an endpoint whose certificate authority, proxy or service is another one is passed over, and not gone back to") {
    rig r;
    r.cluster->pass_over_unfit(some_key());
    int told = 0;
    r.cluster->watch_for_return([&told] { ++told; });
    r.listen("http://a:1", "who are you?");
    r.listen("http://b:2");
    CHECK(r.connect() == "b");
    r.loop.clock.advance(10min);
    CHECK(told == 0);
}

TEST_CASE("a member that was made anew is another cluster, and not gone back to") {
    rig r;
    r.cluster->pass_over_unfit(some_key());
    int told = 0;
    r.cluster->watch_for_return([&told] { ++told; });
    r.listen("http://b:2");
    CHECK(r.connect() == "b");
    r.listen("http://a:1", "", 2);
    r.loop.clock.advance(10min);
    CHECK(told == 0);
    r.listen("http://a:1");
    r.loop.clock.advance(1min);
    CHECK(told == 1);
}

TEST_CASE("an endpoint that comes to nothing each time it is gone back to is looked for ever more seldom") {
    rig r;
    r.cluster->pass_over_unfit(some_key());
    int told = 0;
    r.cluster->watch_for_return([&told] { ++told; });
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
    CHECK(told >= 5);
    CHECK(told <= 12);
}
