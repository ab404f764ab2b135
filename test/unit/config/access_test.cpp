// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::config;

namespace {

using strings = std::vector<std::string>;

/// The diagnostics of a valid configuration.
strings warnings_of(const std::string& master) {
    const parse_result read = parse(around("[master]\n" + master));
    strings all;
    for (const diagnostic& d : read.diagnostics) all.push_back(brief(d));
    CAPTURE(master);
    CHECK(read.value.has_value());
    return all;
}

const std::string user = "auth = { user = \"u\", password_file = \"f\" }\n";

}  // namespace

TEST_CASE("an endpoint with https:// needs no tls table: the CAs of the system are trusted") {
    CHECK(warnings_of("endpoints = [\"https://m\"]\n").empty());
    CHECK(warnings_of("endpoints = [\"http://m\", \"https://n\"]\ntls = { ca = \"x\" }\n").empty());
    CHECK(warnings_of("endpoints = [\"http://m\"]\ntls = {}\nauth = {}\n").empty());
}

TEST_CASE("a password that would be sent in clear text causes a warning") {
    CHECK(warnings_of("endpoints = [\"http://127.0.0.1\", \"http://m\", \"http://n\"]\n" + user) ==
          strings{"2:34: the password of [master] is sent in clear text to \"http://m\" | write https://"});
    CHECK(warnings_of("endpoints = [\"https://m\", \"http://127.evil.com\"]\n" + user).size() == 1);
    for (const auto* safe : {"https://m", "http://localhost:1", "http://127.0.0.9", "http://[::1]",
                             "http://[::ffff:127.0.0.1]", "unix:///run/m"}) {
        CHECK(warnings_of("endpoints = [\"" + std::string(safe) + "\"]\n" + user).empty());
    }
    CHECK(warnings_of("endpoints = [\"http://m\"]\n").empty());
}

TEST_CASE("a certificate that is not verified causes a warning") {
    CHECK(warnings_of("endpoints = [\"https://m\"]\ntls = { insecure_skip_verify = true }\n") ==
          strings{"3:32: the certificate of [master] is not verified: anyone can impersonate it | set ca = \"FILE\" to "
                  "verify it"});
    CHECK(warnings_of("endpoints = [\"https://m\"]\ntls = { ca = \"x\", insecure_skip_verify = true }\n") ==
          strings{"3:42: the certificate of [master] is not verified: anyone can impersonate it | remove "
                  "insecure_skip_verify to verify it against ca"});
}

TEST_CASE("a password in the configuration file causes a warning") {
    CHECK(warnings_of("endpoints = [\"https://m\"]\nauth = { user = \"u\", password = \"p\" }\n") ==
          strings{"3:33: the password is in the configuration file | use password_file instead"});
}

TEST_CASE("tls without https:// causes no second error if an endpoint is invalid") {
    const parse_result read =
        parse(around("[master]\nendpoints = [\"http://m\", \"htps://n\"]\ntls = { ca = \"x\" }\n"));
    REQUIRE(read.diagnostics.size() == 1);
    CHECK(read.diagnostics[0].message == "\"htps://n\" is not an endpoint: unknown scheme");
}

TEST_CASE("a valid configuration has the positions of its file names") {
    const parse_result read =
        parse(around("[master]\nendpoints = [\"https://m\"]\ntls = { cert = \"c\", key = \"k\" }\n" + user +
                     "[[slave]]\nname = \"s\"\nendpoints = [\"https://s\"]\ntls.ca = \"x\"\n"));
    REQUIRE(read.places.size() == 2);
    CHECK(read.places[0].label == "[master]");
    CHECK(read.places[0].key.line == 3);
    CHECK(read.places[0].key.column == 27);
    CHECK(read.places[0].password_file.column == 38);
    CHECK(read.places[1].label == "slave \"s\"");
    CHECK(read.places[1].ca.line == 8);
}
