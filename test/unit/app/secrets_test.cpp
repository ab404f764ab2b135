// SPDX-License-Identifier: Apache-2.0
#include "app/commands/commands.hpp"
#include "app/daemon/settings.hpp"
#include "app/process/system_files.hpp"
#include "app/render/config_text.hpp"
#include "unit/app/temporary_file.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace etcdsync;
using namespace etcdsync::app;

namespace {

const system_files files;

std::string file_with(const std::string& master_auth) {
    return "[master]\nendpoints = [\"http://localhost:1\"]\nauth = { " + master_auth +
           " }\n[[slave]]\nendpoints = [\"http://localhost:2\"]\n[[rule]]\nprefix = \"/a/\"\n";
}

options of(const test::temporary_file& file) {
    options asked;
    asked.what = command::check_config;
    asked.config_file = file.path();
    return asked;
}

process_environment with(std::map<std::string, std::string, std::less<>> variables) {
    process_environment around;
    around.variables = std::move(variables);
    return around;
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

TEST_CASE("a password is read from the environment variable that the file names") {
    const test::temporary_file file(file_with("user = \"u\", password_env = \"MASTER_PASS\""));
    const loaded_config loaded = load_config(of(file), with({{"MASTER_PASS", "canary"}}), files);
    REQUIRE(loaded.result.value.has_value());
    CHECK(loaded.result.value->master.auth.password == "canary");
    CHECK(complaints_of(loaded).empty());
}

TEST_CASE("a variable that is unset or empty is an error with its position") {
    const test::temporary_file file(file_with("user = \"u\", password_env = \"MASTER_PASS\""));
    answer reply = check_config(of(file), {}, files);
    CHECK(reply.code == exit_code::configuration);
    CHECK(reply.err ==
          file.path() +
              ":3:37: error: \"password_env\" of [master]: the environment variable MASTER_PASS is not set\n"
              "    3 | auth = { user = \"u\", password_env = \"MASTER_PASS\" }\n"
              "      |                                     ^^^^^^^^^^^^^\n1 error\n");
    reply = check_config(of(file), with({{"MASTER_PASS", ""}}), files);
    CHECK(reply.code == exit_code::configuration);
    CHECK(reply.err.find("MASTER_PASS is empty\n") != std::string::npos);
    CHECK(reply.err.ends_with("\n1 error\n"));
}

TEST_CASE("a password that cannot be sent to etcd is rejected and not shown") {
    const test::temporary_file file(file_with("user = \"u\", password_env = \"MASTER_PASS\""));
    const answer reply = check_config(of(file), with({{"MASTER_PASS", "can\nary"}}), files);
    CHECK(reply.code == exit_code::configuration);
    CHECK(reply.err.find("the password cannot be used: it contains a line end") != std::string::npos);
    CHECK(reply.err.find("ary") == std::string::npos);
}

TEST_CASE("a password file without a path is searched in the credentials directory, then next to the configuration") {
    const test::temporary_file password("canary\n");
    const test::temporary_file file(file_with("user = \"u\", password_file = \"" + name_of(password.path()) + "\""));
    const std::string directory = directory_of(password.path());
    for (const process_environment& around : {with({{"CREDENTIALS_DIRECTORY", directory}}), process_environment{}}) {
        const loaded_config loaded = load_config(of(file), around, files);
        REQUIRE(loaded.result.value.has_value());
        CHECK(loaded.result.value->master.auth.password_file == password.path());
        CHECK(complaints_of(loaded).empty());
    }
}

TEST_CASE("a file that cannot be read is an error of check-config, in JSON, too") {
    const test::temporary_file file(file_with("user = \"u\", password_file = \"/nonexistent/p\""));
    options asked = of(file);
    const answer reply = check_config(asked, {}, files);
    CHECK(reply.code == exit_code::configuration);
    CHECK(reply.out.empty());
    CHECK(reply.err.starts_with(file.path() +
                                ":3:38: error: \"password_file\" of [master]: /nonexistent/p cannot be read: "
                                "No such file or directory\n"));
    asked.format = output_format::json;
    const boost::json::value report = boost::json::parse(check_config(asked, {}, files).out);
    CHECK(report.at("exit_code").to_number<int>() == 78);
    CHECK(report.at("diagnostics").at(0).at("line").to_number<int>() == 3);
}

TEST_CASE("warnings about secrets are not errors") {
    const test::temporary_file password("canary\n");
    REQUIRE(::chmod(password.path().c_str(), 0644) == 0);
    const test::temporary_file file(file_with("user = \"u\", password_file = \"" + password.path() + "\""));
    const answer reply = check_config(of(file), {}, files);
    CHECK(reply.code == exit_code::ok);
    CHECK(reply.err.find("warning: \"password_file\" of [master]: others can read " + password.path()) !=
          std::string::npos);
}

TEST_CASE("check-config and explain never print secrets") {
    for (const char* const form : {"password = \"canary-literal\"", "password_env = \"P\""}) {
        const test::temporary_file file(file_with(std::string("user = \"u\", ") + form));
        const process_environment around = with({{"P", "canary-env"}});
        options asked = of(file);
        asked.key = "/a/x";
        for (const output_format format : {output_format::table, output_format::json}) {
            asked.format = format;
            for (const answer& reply : {check_config(asked, around, files), explain(asked, around, files)}) {
                CHECK(reply.code == exit_code::ok);
                CHECK((reply.out + reply.err).find("canary") == std::string::npos);
            }
        }
    }
}

TEST_CASE("explain needs no secrets") {
    const test::temporary_file file(file_with("user = \"u\", password_env = \"NOT_SET\""));
    options asked = of(file);
    asked.key = "/a/x";
    CHECK(explain(asked, {}, files).code == exit_code::ok);
}

TEST_CASE("a file without a certificate is reported at the position of its table, for all clusters at once") {
    const test::temporary_file nonsense("nonsense\n");
    const std::string tls = "tls.ca = \"" + nonsense.path() + "\"\n";
    const test::temporary_file file("[master]\nendpoints = [\"https://m\"]\n" + tls +
                                    "[[slave]]\nendpoints = [\"https://s\"]\n" + tls + "[[rule]]\nprefix = \"/a/\"\n");
    const answer reply = check_config(of(file), {}, files);
    CHECK(reply.code == exit_code::configuration);
    CHECK(reply.err.find(":3:1: error: tls of [master]: the CA file " + nonsense.path()) != std::string::npos);
    CHECK(reply.err.find(":6:1: error: tls of [[slave]]: the CA file " + nonsense.path()) != std::string::npos);
    CHECK(reply.err.ends_with("\n2 errors\n"));
}
