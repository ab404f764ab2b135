// SPDX-License-Identifier: Apache-2.0
#include "app/commands/build_info.hpp"
#include "app/commands/commands.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

using namespace etcdsync::app;

TEST_CASE("version is one line, more with -v, and JSON") {
    const std::string number(build_info::version);
    CHECK(version({}).out == "etcd-sync " + number + "\n");
    options asked;
    asked.verbose = 1;
    CHECK(version(asked).out.find("\nnghttp2       1.") != std::string::npos);
    CHECK(version(asked).out.find("\nboost         1.") != std::string::npos);
    asked.format = output_format::json;
    const boost::json::value report = boost::json::parse(version(asked).out);
    CHECK(report.at("schema").to_number<int>() == 1);
    CHECK(report.at("version").as_string() == number);
    for (const auto* name : {"boost", "nghttp2", "protobuf", "fmt", "tomlplusplus", "cli11"}) {
        CHECK_FALSE(report.at("libraries").at(name).as_string().empty());
    }
}
