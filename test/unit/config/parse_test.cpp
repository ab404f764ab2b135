// SPDX-License-Identifier: Apache-2.0
#include "config/files/load.hpp"
#include "config/toml/render.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::config;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

config parse_valid(const std::string& text) {
    const parse_result read = parse(text);
    INFO(render(read.diagnostics, "test", text));
    REQUIRE(read.value.has_value());
    return *read.value;
}

const std::string clusters = R"([master]
endpoints = ["http://m"]
[[slave]]
endpoints = ["http://s"]
)";

rule rule_of(const std::string& body) { return parse_valid(clusters + "[[rule]]\n" + body).rules.at(0); }

}  // namespace

TEST_CASE("the simple case fills in every default") {
    const config c = parse_valid(clusters + "[[rule]]\nprefix = \"/com/\"\n");
    CHECK(c.instance == "etcd-sync");
    CHECK(c.master.endpoints.at(0).host == "m");
    CHECK(c.master.tls == tls_settings{});
    CHECK(c.master.auth == auth_settings{});
    const slave& s = c.slaves.at(0);
    CHECK(s.name == "default");
    CHECK(s.rules == std::vector<std::size_t>{0});
    CHECK(s.dest.empty());
    CHECK(s.required);
    CHECK_FALSE(s.paused);
    CHECK(s.guards == safety{});
    CHECK(c.rules.at(0) == rule{"/com/", {selector::kind::prefix, "/com/", ""}, {}, {}, "", "", true});
    CHECK(c.replicate.consistency == consistency_mode::all);
    CHECK(c.replicate.probe_interval == 10s);
    CHECK(c.replicate.memory_limit.value == 12 << 20);
    CHECK(c.replicate.log_limit.value == 4 << 20);
    CHECK(c.replicate.full_sync_parallel == 2);
    CHECK(c.replicate.txn_max_ops == 128);
    CHECK(c.replicate.txn_max_bytes.value == 1 << 20);
    CHECK(c.replicate.request_timeout == 5s);
    CHECK(c.replicate.checkpoint_prefix == "/.etcd-sync/");
    CHECK(c.verify.interval == 0s);
    CHECK_FALSE(c.verify.repair);
    CHECK_FALSE(c.admin.listen);
    CHECK(c.logging.level == log_level::info);
    CHECK(c.logging.format == log_format::automatic);
}

TEST_CASE("every supported key is read") {
    const config c = parse_valid(R"(instance = "core.to_edge-1"
[master]
endpoints = ["http://a:1", "http://[::1]"]
[[slave]]
name = "one"
endpoints = ["http://b:2"]
rules = ["motd", "app"]
dest = "/x"
required = false
[[slave]]
name = "two"
endpoints = ["http://c:3"]
[[rule]]
name = "app"
prefix = "/app/"
include = ["/app/a/", "/app/*/x"]
exclude = ["/app/secret"]
strip = "/ap"
dest = "/d"
[[rule]]
name = "flags"
range = ["/f/a", "/f/n"]
[[rule]]
name = "motd"
key = "/motd"
[replication]
probe_interval = "2s"
memory_limit = "8MiB"
log_limit = "512KiB"
full_sync_parallel = 1
txn_max_ops = 512
txn_max_bytes = "4KiB"
request_timeout = "250ms"
checkpoint_prefix = "/cp/"
[log]
level = "trace"
format = "json"
)");
    CHECK(c.instance == "core.to_edge-1");
    CHECK(c.master.endpoints.size() == 2);
    CHECK(c.slaves[0].name == "one");
    CHECK(c.slaves[0].rules == std::vector<std::size_t>{0, 2});
    CHECK(c.slaves[0].dest == "/x");
    CHECK_FALSE(c.slaves[0].required);
    CHECK(c.slaves[1].rules == std::vector<std::size_t>{0, 1, 2});
    CHECK(c.rules[0].include == std::vector<std::string>{"/app/a/", "/app/*/x"});
    CHECK(c.rules[0].exclude == std::vector<std::string>{"/app/secret"});
    CHECK(c.rules[0].strip == "/ap");
    CHECK(c.rules[0].dest == "/d");
    CHECK(c.rules[1].select == selector{selector::kind::range, "/f/a", "/f/n"});
    CHECK(c.rules[2].select == selector{selector::kind::key, "/motd", ""});
    CHECK(c.replicate.probe_interval == 2s);
    CHECK(c.replicate.memory_limit.value == 8 << 20);
    CHECK(c.replicate.log_limit.value == 512 << 10);
    CHECK(c.replicate.full_sync_parallel == 1);
    CHECK(c.replicate.txn_max_ops == 512);
    CHECK(c.replicate.txn_max_bytes.value == 4 << 10);
    CHECK(c.replicate.request_timeout == 250ms);
    CHECK(c.replicate.checkpoint_prefix == "/cp/");
    CHECK(c.logging.level == log_level::trace);
    CHECK(c.logging.format == log_format::json);
}

TEST_CASE("keys that are not supported yet are accepted if their value is the current behavior") {
    const config c = parse_valid(R"([master]
endpoints = ["http://m"]
[[slave]]
endpoints = ["http://s"]
paused = false
safety = { prune = "guarded", max_delete = "10%", on_master_change = "hold" }
[[rule]]
prefix = "/a/"
delete = true
[safety]
prune = "guarded"
max_delete = "10%"
on_master_change = "hold"
[replication]
consistency = "all"
[verify]
interval = "0s"
repair = false
[admin]
listen = []
token_file = ""
)");
    REQUIRE(c.admin.listen.has_value());
    CHECK(c.admin.listen->empty());
    CHECK(c.slaves[0].guards == safety{});
}

TEST_CASE("a cluster can have tls, a user, and sockets as endpoints") {
    const config c = parse_valid(R"([master]
endpoints = ["https://m:1", "https://n"]
tls = { ca = "ca.pem", cert = "c.pem", key = "c.key", server_name = "etcd.example.com" }
auth = { user = "replicator", password_file = "m-pass" }
[[slave]]
endpoints = ["unix:///run/etcd.sock"]
tls = { ca = "", insecure_skip_verify = false }
auth = { user = "root", password_env = "S_PASS" }
[[rule]]
prefix = "/a/"
)");
    CHECK(c.master.endpoints.at(1) == endpoint{"https://n", true, "n", 2379, ""});
    CHECK(c.master.tls == tls_settings{"ca.pem", "c.pem", "c.key", "etcd.example.com", false});
    CHECK(c.master.auth == auth_settings{"replicator", "m-pass", "", ""});
    CHECK(c.slaves.at(0).endpoints.at(0).socket == "/run/etcd.sock");
    CHECK(c.slaves[0].tls == tls_settings{});
    CHECK(c.slaves[0].auth == auth_settings{"root", "", "S_PASS", ""});
}

TEST_CASE("consistency is \"all\" or \"rule\"") {
    const std::string rule = "[[rule]]\nprefix = \"/a/\"\n[replication]\nconsistency = ";
    CHECK(parse_valid(clusters + rule + "\"all\"\n").replicate.consistency == consistency_mode::all);
    CHECK(parse_valid(clusters + rule + "\"rule\"\n").replicate.consistency == consistency_mode::rule);
}

TEST_CASE("tables may be inline, dotted or separate") {
    const config c = parse_valid(R"(master.endpoints = ["http://m"]
slave = [{ endpoints = ["http://s"], safety.prune = "guarded" }]
rule = [{ prefix = "/a/" }, { key = "/k" }]
log = { level = "warn" }
)");
    CHECK(c.rules.size() == 2);
    CHECK(c.logging.level == log_level::warn);
}

TEST_CASE("if a rule has dest, strip is by default the whole prefix or key") {
    CHECK(rule_of("prefix = \"/a/\"").strip == "");
    CHECK(rule_of("prefix = \"/a/\"\ndest = \"\"").strip == "");
    CHECK(rule_of("prefix = \"/a/\"\ndest = \"/b/\"").strip == "/a/");
    CHECK(rule_of("key = \"/a\"\ndest = \"/b\"").strip == "/a");
    CHECK(rule_of("range = [\"/a\", \"/b\"]\ndest = \"/b\"").strip == "");
    CHECK(rule_of("prefix = \"/a/\"\ndest = \"/b/\"\nstrip = \"\"").strip == "");
    CHECK(rule_of("range = [\"/a/b\", \"/a/c\"]\nstrip = \"/a/b\"").strip == "/a/b");
}

TEST_CASE("a rule without a name is named by what it selects") {
    CHECK(rule_of("prefix = \"/a/\"").name == "/a/");
    CHECK(rule_of("key = \"/motd\"").name == "/motd");
    CHECK(rule_of("range = [\"/a\", \"/n\"]").name == "[/a, /n)");
    CHECK(rule_of("range = [\"/a\", \"\\u0000\"]").name == "[/a, ...)");
    CHECK(rule_of("prefix = { hex = \"00ff\" }").name == "\\x00\\xff");
    CHECK(rule_of("key = \"" + std::string(300, 'k') + "\"").name.size() == 300);
}

TEST_CASE("keys that are not UTF-8 can be written in hex everywhere") {
    const rule r = rule_of(R"(prefix = { hex = "00fF10" }
strip = { hex = "00" }
dest = { hex = "ff" }
include = [{ hex = "00ff102a" }, { hex = "00ff102f" }]
exclude = ["x*"])");
    CHECK(r.select.begin == "\0\xff\x10"s);
    CHECK(r.strip == "\0"s);
    CHECK(r.dest == "\xff");
    CHECK(r.include == std::vector<std::string>{"\0\xff\x10\\*"s, "\0\xff\x10/"s});
    CHECK(rule_of("range = [{ hex = \"ff\" }, { hex = \"00\" }]").select ==
          selector{selector::kind::range, "\xff", ""});
    CHECK(rule_of("range = [\"\\u0000\", \"\\u0000\"]").select == selector{selector::kind::range, "\0"s, ""});
}

TEST_CASE("log_limit is by default half of a small memory_limit") {
    const std::string rule = "[[rule]]\nprefix = \"/a/\"\n[replication]\n";
    CHECK(parse_valid(clusters + rule + "memory_limit = \"4MiB\"").replicate.log_limit.value == 2 << 20);
    CHECK(parse_valid(clusters + rule + "memory_limit = \"64MiB\"").replicate.log_limit.value == 4 << 20);
    CHECK(parse_valid(clusters + rule + "memory_limit = \"4MiB\"\nlog_limit = \"2MiB\"").replicate.log_limit.value ==
          2 << 20);
}

TEST_CASE("rules that send each key to the same place may overlap") {
    parse_valid(clusters + "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/a/b/\"\n");
    parse_valid(clusters + "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nkey = \"/a/x\"\ndest = \"/a/x\"\n");
    // "/a/" -> "/b/" and "/a/x/" -> "/b/x/" are one mapping, written differently.
    parse_valid(clusters +
                "[[rule]]\nprefix = \"/a/\"\ndest = \"/b/\"\n[[rule]]\nprefix = \"/a/x/\"\ndest = \"/b/x/\"\n");
    parse_valid(clusters + "[[rule]]\nname = \"all\"\nrange = [\"\\u0000\", \"\\u0000\"]\n[[rule]]\nprefix = \"/\"\n");
}

TEST_CASE("one source may have two targets, and two slaves may have rules that would collide on one slave") {
    parse_valid(clusters +
                "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nname = \"copy\"\nprefix = \"/a/\"\ndest = \"/copy/\"\n");
    parse_valid(R"([master]
endpoints = ["http://m"]
[[slave]]
name = "one"
endpoints = ["http://s1"]
rules = ["a"]
[[slave]]
name = "two"
endpoints = ["http://s2"]
rules = ["b"]
[[rule]]
name = "a"
prefix = "/a/"
[[rule]]
name = "b"
prefix = "/b/"
dest = "/a/"
)");
}

TEST_CASE("a rule may contain the checkpoint prefix, which is excluded from it") {
    parse_valid(clusters + "[[rule]]\nprefix = \"/\"\n");
    parse_valid(clusters + "[[rule]]\nrange = [\"/.etcd\", \"/.etcd-sync/x\"]\n");
}

TEST_CASE("a configuration with warnings is valid") {
    const parse_result read = parse(R"([master]
endpoints = ["http://m"]
[[slave]]
endpoints = ["http://s"]
rules = ["a"]
[[rule]]
name = "a"
prefix = "/a/"
exclude = ["/b/", "/a/x", "secret"]
[[rule]]
name = "b"
prefix = "/b/"
)");
    CHECK(read.value.has_value());
    REQUIRE(read.diagnostics.size() == 3);
    for (const diagnostic& d : read.diagnostics) CHECK(d.level == diagnostic::severity::warning);
    CHECK(read.diagnostics[0].message == "matches no key of rule \"a\"");
    CHECK(read.diagnostics[1].column == 27);
    CHECK(read.diagnostics[2].message == "no slave takes rule \"b\"");
    CHECK(read.diagnostics[2].line == 10);
}
