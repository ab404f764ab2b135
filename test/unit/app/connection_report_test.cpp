// SPDX-License-Identifier: Apache-2.0
#include "app/render/connection_text.hpp"

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::app;
using replication::permission;
using subject = permission::subject;

namespace {

const permission cover{subject::all_rules, "", {"/a/", "/n"}, false};
const permission record{subject::checkpoint, "", keys::single_key("/.etcd-sync/etcd-sync"), true};
const permission app_rule{subject::rule, "app", keys::prefix_range("/app/"), true};
const permission rest_of_app{subject::rule, "app", {"/app/x0", "/app0"}, true};

cluster_report master(bool read = true) {
    cluster_report out;
    out.is_master = true;
    out.endpoints = {{"http://m:1", outcome::good, "", 0x1a}};
    out.permissions = {{cover, read, false}};
    return out;
}

cluster_report slave(permission_answer of_app) {
    cluster_report out;
    out.name = "edge-1";
    out.user = "repl";
    out.endpoints = {{"http://s:1", outcome::good, "", 0x2b}};
    out.permissions = {{record, true, true}, std::move(of_app)};
    return out;
}

cluster_report unavailable(outcome how) {
    cluster_report out;
    out.name = "edge-2";
    out.endpoints = {{"http://t:1", how, "t:1: told why", 0}};
    return out;
}

const cluster_report ok_slave = slave({app_rule, true, true});

}  // namespace

TEST_CASE("the exit code is that of the most urgent result: denied, then unreachable, then failed") {
    CHECK(code_for({master(), ok_slave}) == exit_code::ok);
    CHECK(code_for({master(false), ok_slave}) == exit_code::denied);
    CHECK(code_for({master(), slave({app_rule, true, false})}) == exit_code::denied);
    CHECK(code_for({master(), unavailable(outcome::unreachable)}) == exit_code::unreachable);
    CHECK(code_for({master(), unavailable(outcome::denied)}) == exit_code::denied);
    CHECK(code_for({master(), unavailable(outcome::failed)}) == exit_code::failed);
    CHECK(code_for({master(false), unavailable(outcome::unreachable)}) == exit_code::denied);
    CHECK(code_for({unavailable(outcome::failed), unavailable(outcome::unreachable)}) == exit_code::unreachable);
}

TEST_CASE("an endpoint of another cluster than the first one is unavailable") {
    std::vector<endpoint_answer> all{{"http://t:1", outcome::unreachable, "t:1: told why", 0},
                                     {"http://t:2", outcome::good, "", 0},
                                     {"http://t:3", outcome::good, "", 0x1a},
                                     {"http://t:4", outcome::good, "", 0x2b},
                                     {"http://t:5", outcome::good, "", 0x1a}};
    check_membership(all);
    std::vector<outcome> how;
    for (const endpoint_answer& answer : all) how.push_back(answer.how);
    CHECK(how ==
          std::vector<outcome>{outcome::unreachable, outcome::good, outcome::good, outcome::failed, outcome::good});
    CHECK(all[0].cause == "t:1: told why");
    CHECK(all[3].cause ==
          "it is a member of cluster 2b, and http://t:3 of cluster 1a: list members of one cluster only");
}

TEST_CASE("a check that was interrupted by an error is reported, and determines the exit code") {
    cluster_report broken = ok_slave;
    broken.how = outcome::unreachable;
    broken.cause = "s:1: went away";
    CHECK(code_for({master(), broken}) == exit_code::unreachable);
    CHECK(lines_of(broken, true) == "slave edge-1: permissions could not be checked: s:1: went away\n");
}

TEST_CASE("each endpoint and rule without a problem is one line, or none if only problems are shown") {
    CHECK(lines_of(master(), false) ==
          "master: http://m:1: ok\nmaster: all rules: may read keys from \"/a/\" to before \"/n\"\n");
    CHECK(lines_of(ok_slave, false) ==
          "slave edge-1: http://s:1: ok\n"
          "slave edge-1: checkpoint: may read and write key \"/.etcd-sync/etcd-sync\"\n"
          "slave edge-1: rule \"app\": may read and write keys under \"/app/\"\n");
    CHECK(lines_of(master(), true).empty());
    CHECK(lines_of(ok_slave, true).empty());
}

TEST_CASE("several granted intervals of a rule are one line") {
    cluster_report one = ok_slave;
    one.permissions.push_back({rest_of_app, true, true});
    CHECK(
        lines_of(one, false)
            .ends_with(
                "rule \"app\": may read and write keys under \"/app/\", keys from \"/app/x0\" to before \"/app0\"\n"));
    one.permissions.back().write = false;
    CHECK(lines_of(one, false).find("rule \"app\": may read and write keys under \"/app/\"\n") != std::string::npos);
}

TEST_CASE("a missing permission is reported with the command that grants everything the rule needs") {
    CHECK(lines_of(slave({app_rule, true, false}), true) ==
          "slave edge-1: rule \"app\": may NOT write keys under \"/app/\"\n"
          "  etcdctl role grant-permission ROLE readwrite /app/ --prefix\n"
          "  ROLE is a role of user \"repl\": etcdctl user get repl\n");
    CHECK(lines_of(slave({app_rule, false, true}), true).find("may NOT read keys") != std::string::npos);
    CHECK(lines_of(slave({app_rule, false, false}), true).find("may NOT read or write keys") != std::string::npos);
    CHECK(lines_of(master(false), true) ==
          "master: all rules: may NOT read keys from \"/a/\" to before \"/n\"\n"
          "  etcdctl role grant-permission ROLE read /a/ /n\n");
}

TEST_CASE("a certificate is a user too: its file is named if no user is configured") {
    cluster_report one = slave({app_rule, true, false});
    one.certificate = "/etc/it's.pem";
    CHECK(lines_of(one, true).ends_with("  ROLE is a role of user \"repl\": etcdctl user get repl\n"));
    one.user.clear();
    CHECK(
        lines_of(one, true).ends_with("  etcdctl role grant-permission ROLE readwrite /app/ --prefix\n"
                                      "  ROLE is a role of the user whose name is the CN of /etc/it's.pem: "
                                      "openssl x509 -noout -subject -in '/etc/it'\\''s.pem'\n"));
    CHECK(json_of(one).at("user_from_certificate").as_string() == "/etc/it's.pem");
    one.permissions.clear();
    CHECK(lines_of(one, true).empty());
}

TEST_CASE("an endpoint without authentication is reported, but is not a failure") {
    cluster_report one = ok_slave;
    CHECK_FALSE(json_of(one).at("endpoints").as_array().at(0).as_object().contains("auth_disabled"));
    one.endpoints.front().auth_disabled = true;
    CHECK(lines_of(one, false)
              .starts_with(
                  "slave edge-1: http://s:1: ok, but authentication is disabled there: the password was not tried\n"));
    CHECK(json_of(one).at("endpoints").as_array().at(0).at("auth_disabled").as_bool());
    CHECK(code_for({one}) == exit_code::ok);
}

TEST_CASE("if the permissions for each rule suffice, consistency = \"rule\" is suggested") {
    cluster_report one = master(false);
    one.rule_mode_would_do = true;
    CHECK(lines_of(one, true).ends_with(
        "  or write consistency = \"rule\" in [replication]: what that needs on the master is granted\n"));
}

TEST_CASE("an unavailable endpoint is reported with its cause, escaped for the terminal") {
    cluster_report one = unavailable(outcome::unreachable);
    one.endpoints.push_back({"http://\x1b[2J", outcome::good, ""});
    CHECK(lines_of(one, false) ==
          "slave edge-2: http://t:1: not usable: t:1: told why\nslave edge-2: http://\\x1b[2J: ok\n");
}

TEST_CASE("in JSON a cluster is an object with its endpoints and permissions") {
    CHECK(
        boost::json::serialize(json_of(slave({app_rule, true, false}))) ==
        R"({"slave":"edge-1","user":"repl","endpoints":[{"url":"http://s:1","cluster_id":"000000000000002b","state":"ok"}],)"
        R"("permissions":[{"subject":"checkpoint","begin":"/.etcd-sync/etcd-sync","end_b64":"Ly5ldGNkLXN5bmMvZXRjZC1zeW5jAA==",)"
        R"("needs":"readwrite","read":true,"write":true,"ok":true},)"
        R"({"rule":"app","subject":"rule","begin":"/app/","end":"/app0","needs":"readwrite","read":true,"write":false,)"
        R"("ok":false,"grant":"etcdctl role grant-permission ROLE readwrite /app/ --prefix"}],"ok":false})");
    CHECK(boost::json::serialize(json_of(unavailable(outcome::denied))) ==
          R"({"slave":"edge-2","endpoints":[{"url":"http://t:1","state":"denied","cause":"t:1: told why"}],)"
          R"("permissions":[],"ok":false})");
    const auto of_master = json_of(master());
    CHECK_FALSE(of_master.contains("slave"));
    CHECK_FALSE(of_master.at("consistency_rule_suffices").as_bool());
    CHECK(of_master.at("ok").as_bool());
}
