// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/permissions.hpp"

#include "config/files/load.hpp"
#include "config/toml/render.hpp"
#include "replication/mapping/explain_read.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::replication;
using subject = permission::subject;
using permissions = std::vector<permission>;
using config::consistency_mode;
using keys::prefix_range;
using keys::single_key;

namespace {

config::config settings_of(const std::string& slaves, const std::string& rest) {
    const config::parse_result read = config::parse("[master]\nendpoints = [\"http://m\"]\n" + slaves + rest);
    INFO(config::render(read.diagnostics, "test", ""));
    REQUIRE(read.value.has_value());
    return *read.value;
}

const std::string one_slave = "[[slave]]\nendpoints = [\"http://s\"]\n";
const std::string two_rules = R"([[rule]]
name = "app"
prefix = "/app/"
[[rule]]
name = "motd"
key = "/motd"
dest = "/welcome"
)";

}  // namespace

TEST_CASE(
    "on the master, the cover of the rules must be readable with consistency all, and each rule with consistency "
    "rule") {
    const config::config settings = settings_of(one_slave, two_rules);
    CHECK(needed_on_master(settings, consistency_mode::all) ==
          permissions{{subject::all_rules, "", {"/app/", std::string("/motd\0", 6)}, false}});
    CHECK(needed_on_master(settings, consistency_mode::rule) ==
          permissions{{subject::rule, "app", prefix_range("/app/"), false},
                      {subject::rule, "motd", single_key("/motd"), false}});
}

TEST_CASE("a rule up to the last key leaves the end of the cover open") {
    const config::config settings = settings_of(one_slave, two_rules + "[[rule]]\nrange = [\"/z\", \"\\u0000\"]\n");
    CHECK(needed_on_master(settings, consistency_mode::all).at(0).keys == keys::key_range{"/app/", ""});
}

TEST_CASE("rules that no slave uses need no permissions on the master") {
    const config::config settings = settings_of(one_slave + "rules = [\"motd\"]\n", two_rules);
    const permissions only{{subject::rule, "motd", single_key("/motd"), false}};
    CHECK(needed_on_master(settings, consistency_mode::all) == only);
    CHECK(needed_on_master(settings, consistency_mode::rule) == only);
}

TEST_CASE("on a slave, the checkpoint and the targets of the rules must be writable") {
    const config::config settings = settings_of(one_slave + "dest = \"/copy\"\n", two_rules);
    CHECK(
        needed_on_slave(settings, settings.slaves[0]) ==
        permissions{{subject::checkpoint, "", keys::key_range{"/.etcd-sync/etcd-sync", "/.etcd-sync/etcd-sync;"}, true},
                    {subject::rule, "app", prefix_range("/copy/app/"), true},
                    {subject::rule, "motd", single_key("/copy/welcome"), true}});
}

TEST_CASE("with consistency rule one permission covers the checkpoints of all rules") {
    const config::config settings =
        settings_of(one_slave + "rules = [\"motd\"]\n",
                    two_rules + "[replication]\nconsistency = \"rule\"\ncheckpoint_prefix = \"/cp/\"\n");
    CHECK(needed_on_slave(settings, settings.slaves[0]) ==
          permissions{{subject::checkpoint, "", keys::key_range{"/cp/etcd-sync", "/cp/etcd-sync;"}, true},
                      {subject::rule, "motd", single_key("/welcome"), true}});
}

TEST_CASE("the permissions for a rule do not include keys that it excludes or that an earlier rule takes") {
    const config::config settings = settings_of(one_slave, R"([[rule]]
name = "inner"
prefix = "/a/m/"
[[rule]]
name = "outer"
prefix = "/a/"
exclude = ["/a/x/"]
)");
    permissions rules = needed_on_slave(settings, settings.slaves[0]);
    rules.erase(rules.begin());
    CHECK(rules == permissions{{subject::rule, "inner", prefix_range("/a/m/"), true},
                               {subject::rule, "outer", {"/a/", "/a/m/"}, true},
                               {subject::rule, "outer", {"/a/m0", "/a/x/"}, true},
                               {subject::rule, "outer", {"/a/x0", "/a0"}, true}});
}

TEST_CASE("if the master denies a read, the error names the keys that must be readable; other errors are unchanged") {
    const etcd::error denied(etcd::error_class::denied, "m:1: etcdserver: permission denied");
    CHECK(explain_read(denied, {"/a/", "/n\x01"}, false) ==
          "m:1: etcdserver: permission denied; it takes read from \"/a/\" to before \"/n\\x01\", or consistency = "
          "\"rule\", "
          "which needs the rules' own keys alone");
    CHECK(explain_read(denied, prefix_range("/a/"), true) ==
          "m:1: etcdserver: permission denied; it takes read from \"/a/\" to before \"/a0\"");
    CHECK(explain_read(denied, {"/a/", ""}, true).ends_with("; it takes read from \"/a/\" on"));
    const etcd::error gone(etcd::error_class::retry, "connect m:1: refused");
    CHECK(explain_read(gone, {"/a/", "/n"}, false) == "connect m:1: refused");
}
