// SPDX-License-Identifier: Apache-2.0
// Clusters of several members, and users with limited permissions.
#include "unit/replication/support.hpp"
#include "unit/replication/world.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

config::endpoint another(const std::string& host) {
    config::endpoint out;
    out.url = "http://" + host + ":1";
    out.host = host;
    out.port = 1;
    return out;
}

/// Adds the rule "/b/" to "/a/", each with its own checkpoint.
void set_two_rules(world& w) {
    w.settings.rules.push_back(prefix_rule("/b/"));
    for (config::rule& rule : w.settings.rules) rule.name = rule.select.begin;
    w.settings.slaves[0].rules = {0, 1};
    w.settings.replicate.consistency = config::consistency_mode::rule;
}

bool touches(std::string_view key, std::string_view range_end, std::string_view prefix) {
    if (range_end.empty()) return key.starts_with(prefix);
    return key < keys::prefix_end(prefix) && (range_end == std::string_view("\0", 1) || range_end > prefix);
}

bool all_in_sync(const world& w) {
    for (const link_status& link : w.current().links) {
        if (link.state != link_state::in_sync) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("a link fails back to the slave's first endpoint when it is available again, without another full sync") {
    world w;
    w.settings.slaves[0].endpoints.push_back(another("slave-2"));
    test::model_server second(w.loop, w.dialer, "http://slave-2:1", w.slave);
    w.slave_server.refuse(true);
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    w.slave_server.refuse(false);
    CHECK(w.eventually([&] {
        return w.lines.count("failed back to a preferred endpoint slave=default endpoint=http://slave:1") == 1;
    }));
    second.refuse(true);
    second.cut();
    w.put("/a/00001", "later");
    CHECK(w.settles());
    CHECK(w.lines.count("full sync") == 1);
    CHECK(w.lines.count("disconnected") == 0);
    CHECK(w.untruth().empty());
}

TEST_CASE(
    "the feed fails back to the master's first endpoint when it is available again, and no link waits meanwhile") {
    world w;
    w.settings.master.endpoints.push_back(another("master-2"));
    test::model_server second(w.loop, w.dialer, "http://master-2:1", w.master);
    w.master_server.refuse(true);
    w.many(5, "v");
    w.start();
    REQUIRE(w.settles());
    CHECK(w.current().master.endpoint == "http://master-2:1");
    w.master_server.refuse(false);
    CHECK(w.eventually([&] { return w.lines.count("failed back to a preferred endpoint of the master") == 1; }));
    CHECK(w.eventually([&] { return w.current().master.endpoint == "http://master:1"; }, 1s));
    second.refuse(true);
    second.cut();
    w.put("/a/00001", "later");
    CHECK(w.settles(1s));
    CHECK(w.lines.count("full sync") == 1);
    CHECK(w.lines.count("not reachable") == 0);
}

TEST_CASE("the feed fails back to the master's first endpoint if it is found while the feed connects to another one") {
    world w;
    w.settings.replicate.probe_interval = 1s;  // the first endpoint is probed every 3 s
    w.settings.master.endpoints.push_back(another("master-2"));
    test::model_server second(w.loop, w.dialer, "http://master-2:1", w.master);
    w.master_server.refuse(true);
    // It passes the health probe, and then is slow to report its revision.
    second.script = [&second](std::uint64_t number) {
        if (number == 2) second.stall(true);
        return test::fault::none;
    };
    w.many(5, "v");
    w.start();
    REQUIRE(w.eventually([&] { return second.requests() == 2; }, 1s));
    w.master_server.refuse(false);
    REQUIRE_FALSE(w.eventually([&] { return w.current().master.connected; }, 4s));
    second.stall(false);
    CHECK(w.eventually([&] { return w.current().master.endpoint == "http://master:1"; }, 2s));
    CHECK(w.settles());
    CHECK(w.lines.count("failed back to a preferred endpoint of the master") == 1);
    CHECK(w.lines.count("not reachable") == 0);
}

TEST_CASE("the feed does not fail back to an endpoint that has no leader when it is probed") {
    world w;
    w.settings.master.endpoints.push_back(another("master-2"));
    test::model_server second(w.loop, w.dialer, "http://master-2:1", w.master);
    w.master_server.refuse(true);
    w.start();
    REQUIRE(w.settles());
    w.master_server.refuse(false);
    w.master_server.script = [](std::uint64_t) { return test::fault::refused; };
    CHECK_FALSE(w.eventually([&] { return w.lines.count("comes first") > 0; }, 10min));
    CHECK(w.current().master.endpoint == "http://master-2:1");
    CHECK(w.in_sync());
}

TEST_CASE("permissions on the keys of the rules and on their checkpoints are enough in consistency = \"rule\"") {
    world w;
    set_two_rules(w);
    w.slave_server.denies = [](std::string_view key, std::string_view range_end) {
        const bool own_checkpoint = key == "/.etcd-sync/etcd-sync//a/" || key == "/.etcd-sync/etcd-sync//b/" ||
                                    key == "/.etcd-sync/etcd-sync:manifest//a/" ||
                                    key == "/.etcd-sync/etcd-sync:manifest//b/";
        const bool own_keys = key.starts_with("/a/") || key.starts_with("/b/");
        return !(own_keys || (own_checkpoint && range_end.empty()));
    };
    w.master_server.denies = [](std::string_view key, std::string_view) {
        return !key.starts_with("/a/") && !key.starts_with("/b/");
    };
    w.many(20, "v");
    w.put("/b/1", "v");
    w.start();
    CHECK(w.eventually([&] { return all_in_sync(w); }));
    w.put("/b/2", "w");
    w.del("/a/00003");
    w.stop();
    w.put("/a/00004", "while it was away");
    w.start();
    CHECK(w.eventually([&] { return all_in_sync(w) && w.exact() && w.slave.keys().count("/b/2") == 1; }));
    CHECK(w.lines.count("full sync") == 2);  // the first one of each rule
}

TEST_CASE("a rule that is denied on the slave stops alone, and continues when the permission is granted again") {
    world w;
    set_two_rules(w);
    w.many(5, "v");
    w.start();
    REQUIRE(w.eventually([&] { return all_in_sync(w); }));
    w.slave_server.denies = [](std::string_view key, std::string_view range_end) {
        return touches(key, range_end, "/b/");
    };
    w.put("/b/1", "not yet");
    w.put("/a/1", "at once");
    CHECK(w.eventually([&] { return w.current().links[1].state == link_state::disconnected; }));
    CHECK(w.current().links[1].failure == etcd::error_class::denied);
    CHECK(w.current().links[1].cause.find("permission denied") != std::string::npos);
    CHECK(w.eventually([&] { return w.exact(); }, 1s));
    CHECK(w.slave.keys().count("/b/1") == 0);
    const std::uint64_t asked = w.slave_server.requests();
    CHECK_FALSE(w.eventually([&] { return all_in_sync(w); }, 10min));
    CHECK(w.slave_server.requests() - asked < 1'000);  // 60 retries of one rule, 60 checks of the other
    CHECK(w.lines.count("slave rejected the write; retrying slave=default rule=/b/") == 1);
    w.slave_server.denies = nullptr;
    CHECK(w.eventually([&] { return all_in_sync(w) && w.slave.keys().count("/b/1") == 1; }, 20s));
}

TEST_CASE("a rule that is denied on the master stops at its next connection, and the other rule continues") {
    world w;
    set_two_rules(w);
    w.many(5, "v");
    w.start();
    REQUIRE(w.eventually([&] { return all_in_sync(w); }));
    w.master_server.denies = [](std::string_view key, std::string_view range_end) {
        return touches(key, range_end, "/b/");
    };
    w.master_server.cut();
    CHECK(w.eventually([&] { return w.lines.count("the master denies access; retrying rule=/b/") == 1; }));
    w.put("/a/1", "at once");
    w.put("/b/1", "not yet");
    CHECK(w.eventually([&] { return w.exact() && w.current().links[0].state == link_state::in_sync; }, 20s));
    CHECK(w.eventually([&] { return w.current().links[1].state == link_state::connecting; }, 2s));
    CHECK_FALSE(w.eventually([&] { return w.current().links[1].state == link_state::in_sync; }, 2min));
    w.master_server.denies = nullptr;
    CHECK(w.eventually([&] { return all_in_sync(w) && w.slave.keys().count("/b/1") == 1; }, 20s));
}

TEST_CASE("in consistency = \"all\" the error for a denied cover names the permission that is needed") {
    world w;
    w.settings.rules.push_back(prefix_rule("/z/"));
    w.settings.slaves[0].rules = {0, 1};
    w.master_server.denies = [](std::string_view key, std::string_view) { return key == "/a/"; };
    w.start();
    CHECK(w.eventually([&] { return w.lines.count("the master denies access") == 1; }));
    CHECK(w.lines.count("it takes read from \"/a/\" to before \"/z0\", or consistency = \"rule\"") == 1);
}
