// SPDX-License-Identifier: Apache-2.0
#include "app/commands/commands.hpp"
#include "config/files/load.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::app;

namespace {

constexpr std::string_view file = R"(
[master]
endpoints = ["http://127.0.0.1:1"]

[[slave]]
name = "edge-1"
endpoints = ["http://127.0.0.1:2"]

[[slave]]
name = "datacentre"
endpoints = ["http://127.0.0.1:3"]
rules = ["app"]
dest = "/mirror"

[[rule]]
name = "app"
prefix = "/app/"
exclude = ["/app/secret/", "/app/*.tmp"]

[[rule]]
name = "flags"
prefix = "/flags/"
include = ["/flags/on/"]
dest = "/f/"

[[rule]]
prefix = "/bin/"
)";

answer explained(std::string_view key, output_format format = output_format::table) {
    const config::parse_result read = config::parse(file);
    REQUIRE(read.value);
    return explain_key(*read.value, key, format);
}

boost::json::value as_json(std::string_view key) {
    const answer reply = explained(key, output_format::json);
    CHECK(reply.out.find('\n') == reply.out.size() - 1);
    return boost::json::parse(reply.out);
}

}  // namespace

TEST_CASE("explain shows rule and destination on each slave") {
    const answer reply = explained("/app/x");
    CHECK(reply.code == exit_code::ok);
    CHECK(reply.out ==
          "SLAVE       RULE  KEY ON THE SLAVE\n"
          "edge-1      app   /app/x\n"
          "datacentre  app   /mirror/app/x\n");
    CHECK(reply.err.empty());
}

TEST_CASE("a key that only one slave selects is reported as mirrored") {
    const answer reply = explained("/flags/on/a");
    CHECK(reply.code == exit_code::ok);
    CHECK(reply.out ==
          "SLAVE       RULE   KEY ON THE SLAVE\n"
          "edge-1      flags  /f/on/a\n"
          "datacentre  -      not mirrored: no rule of this slave selects it\n");
}

TEST_CASE("explain prints why a key is not mirrored") {
    const auto reason = [](std::string_view key) {
        const answer reply = explained(key);
        CHECK(reply.code == exit_code::failed);
        const std::size_t first = reply.out.find("not mirrored: ") + 14;
        return reply.out.substr(first, reply.out.find('\n', first) - first);
    };
    CHECK(reason("/other") == "no rule selects it");
    CHECK(reason("/app/secret/x") == "excluded by \"/app/secret/\" of rule \"app\"");
    CHECK(reason("/app/x.tmp") == "excluded by \"/app/*.tmp\" of rule \"app\"");
    CHECK(reason("/flags/off") == "not in include of rule \"flags\"");
    CHECK(reason("/.etcd-sync/x") == "inside the checkpoint prefix \"/.etcd-sync/\"");
}

TEST_CASE("keys that are not text are escaped") {
    const std::string key("/bin/\x00\x1b[2J\xff", 11);
    CHECK(explained(key).out.find("edge-1      /bin/  /bin/\\x00\\x1b[2J\\xff\n") != std::string::npos);
    const boost::json::value report = as_json(key);
    CHECK(report.at("key_b64").as_string() == "L2Jpbi8AG1sySv8=");
    CHECK(report.at("slaves").at(0).at("key_b64").as_string() == "L2Jpbi8AG1sySv8=");
}

TEST_CASE("explain writes JSON") {
    CHECK(explained("/app/x", output_format::json).out ==
          R"({"schema":1,"exit_code":0,"key":"/app/x","slaves":[)"
          R"({"slave":"edge-1","matched":true,"rule":"app","key":"/app/x"},)"
          R"({"slave":"datacentre","matched":true,"rule":"app","key":"/mirror/app/x"}]})"
          "\n");
    const boost::json::value report = as_json("/flags/off");
    CHECK(report.at("exit_code").to_number<int>() == 1);
    CHECK(report.at("slaves").at(0).at("cause").as_string() == "not in include of rule \"flags\"");
    CHECK(explained("/flags/off", output_format::json).code == exit_code::failed);
}

TEST_CASE("explain reports a key that maps to the empty key or into the checkpoint prefix") {
    const config::parse_result read = config::parse(R"(
[master]
endpoints = ["http://127.0.0.1:1"]
[[slave]]
endpoints = ["http://127.0.0.1:2"]
[[rule]]
prefix = "/a"
strip = "/a"
)");
    REQUIRE(read.value);
    CHECK(explain_key(*read.value, "/a", output_format::table).out ==
          "SLAVE    RULE  KEY ON THE SLAVE\n"
          "default  /a    not mirrored: maps to the empty key\n");
    CHECK(explain_key(*read.value, "/a/.etcd-sync/x", output_format::table).out ==
          "SLAVE    RULE  KEY ON THE SLAVE\n"
          "default  /a    not mirrored: maps into the checkpoint prefix: /.etcd-sync/x\n");
}
