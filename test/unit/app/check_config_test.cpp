// SPDX-License-Identifier: Apache-2.0
#include "app/commands/commands.hpp"
#include "app/process/system_files.hpp"
#include "unit/app/temporary_file.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include <algorithm>

using namespace etcdsync;
using namespace etcdsync::app;

namespace {

const system_files files;

const test::temporary_file valid_file(R"([master]
endpoints = ["http://127.0.0.1:1"]
[[slave]]
endpoints = ["http://127.0.0.1:2"]
[[rule]]
prefix = "/a/"
[[rule]]
prefix = "/b/"
)");

const test::temporary_file invalid_file("[master]\nendpoint = [\"http://127.0.0.1:1\"]\nnonsense = 1\n");

options with(const test::temporary_file& file, output_format format = output_format::table) {
    options asked;
    asked.what = command::check_config;
    asked.config_file = file.path();
    asked.format = format;
    return asked;
}

}  // namespace

TEST_CASE("a valid file is one line on stdout") {
    const answer reply = check_config(with(valid_file), {}, files);
    CHECK(reply.code == exit_code::ok);
    CHECK(reply.out == valid_file.path() + ": ok: 1 master, 1 slave, 2 rules\n");
    CHECK(reply.err.empty());
    options quiet = with(valid_file);
    quiet.quiet = true;
    CHECK(check_config(quiet, {}, files).out.empty());
}

TEST_CASE("the errors of an invalid file are on stderr, with their positions and number") {
    const answer reply = check_config(with(invalid_file), {}, files);
    CHECK(reply.code == exit_code::configuration);
    CHECK(reply.out.empty());
    CHECK(reply.err.find(invalid_file.path() + ":2:1: error: ") != std::string::npos);
    CHECK(reply.err.find(invalid_file.path() + ":3:1: error: ") != std::string::npos);
    CHECK(reply.err.ends_with(" errors\n"));
}

TEST_CASE("a missing file is one error") {
    options asked;
    asked.config_file = "/nonexistent.toml";
    const answer reply = check_config(asked, {}, files);
    CHECK(reply.code == exit_code::configuration);
    CHECK(reply.err == "/nonexistent.toml: error: cannot be read: No such file or directory\n1 error\n");
}

TEST_CASE("check-config writes JSON, on stdout only") {
    const answer ok = check_config(with(valid_file, output_format::json), {}, files);
    CHECK(ok.code == exit_code::ok);
    CHECK(ok.out == R"({"schema":1,"exit_code":0,"file":")" + valid_file.path() +
                        R"(","instance":"etcd-sync","rules":2,"slaves":[{"slave":"default"}],"diagnostics":[]})"
                        "\n");
    const answer failed = check_config(with(invalid_file, output_format::json), {}, files);
    CHECK(failed.code == exit_code::configuration);
    CHECK(failed.err.empty());
    const boost::json::value report = boost::json::parse(failed.out);
    CHECK(report.at("exit_code").to_number<int>() == 78);
    const boost::json::array& diagnostics = report.at("diagnostics").as_array();
    const auto* const unknown_key = std::find_if(diagnostics.begin(), diagnostics.end(), [](const auto& d) {
        return d.at("line").template to_number<int>() == 2;
    });
    REQUIRE(unknown_key != diagnostics.end());
    CHECK(unknown_key->at("severity").as_string() == "error");
    CHECK(unknown_key->at("column").to_number<int>() == 1);
    CHECK(unknown_key->at("message").as_string().find("endpoint") != std::string::npos);
    CHECK(unknown_key->at("hint").as_string() == "did you mean \"endpoints\"?");
}

TEST_CASE("environment variables are checked too, and their values are never shown") {
    process_environment around;
    around.variables = {{"ETCDSYNC_CONFIG", valid_file.path()}, {"ETCDSYNC_LOG_LVL", "hunter2"}};
    answer reply = check_config({}, around, files);
    CHECK(reply.code == exit_code::ok);
    CHECK(reply.err == "etcd-sync: warning: unknown environment variable ETCDSYNC_LOG_LVL\n");
    around.variables = {{"ETCDSYNC_CONFIG", valid_file.path()}, {"ETCDSYNC_LOG_LEVEL", "hunter2"}};
    reply = check_config({}, around, files);
    CHECK(reply.code == exit_code::configuration);
    CHECK(reply.err == "etcd-sync: ETCDSYNC_LOG_LEVEL must be one of trace, debug, info, warn, error\n");
    CHECK(reply.out.empty());
}
