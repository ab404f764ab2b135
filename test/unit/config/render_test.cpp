// SPDX-License-Identifier: Apache-2.0
#include "config/toml/render.hpp"

#include "config/files/load.hpp"
#include "config/toml/secret_mask.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::config;

namespace {

std::string rendered(diagnostic d, std::string_view text) { return render({std::move(d)}, "f.toml", text); }

constexpr auto error = diagnostic::severity::error;

}  // namespace

TEST_CASE("an error is shown with its line, a caret under the position, and the hint") {
    CHECK(rendered({error, 2, 5, 3, "bad thing", "write \"x\""}, "first\nkey=abc\nlast\n") ==
          "f.toml:2:5: error: bad thing\n"
          "    2 | key=abc\n"
          "      |     ^^^ write \"x\"\n");
}

TEST_CASE("an error has exactly the documented format") {
    const std::string text = R"([master]
endpoints = ["http://m"]
[[slave]]
name = "edge-2"
endpoints = ["http://s"]
auth = { user = "u", pasword_env = "P" }
[[rule]]
prefix = "/a/"
)";
    const parse_result read = parse(text);
    REQUIRE(read.diagnostics.size() == 2);
    CHECK(render({read.diagnostics[1]}, "/etc/etcd-sync/etcd-sync.toml", text) ==
          "/etc/etcd-sync/etcd-sync.toml:6:22: error: unknown key \"pasword_env\" in slave \"edge-2\" auth\n"
          "    6 | auth = { user = \"u\", pasword_env = \"P\" }\n"
          "      |                      ^^^^^^^^^^^ did you mean \"password_env\"?\n");
}

TEST_CASE("warnings are labeled, and several diagnostics are shown one after the other") {
    CHECK(render({{diagnostic::severity::warning, 1, 1, 1, "hm", ""}, {error, 1, 2, 1, "no", ""}}, "f", "ab") ==
          "f:1:1: warning: hm\n    1 | ab\n      | ^\nf:1:2: error: no\n    1 | ab\n      |  ^\n");
    CHECK(render({}, "f", "x").empty());
}

TEST_CASE("a diagnostic without a position has no line") {
    CHECK(rendered({error, 0, 0, 1, "no master", "write one"}, "") == "f.toml: error: no master: write one\n");
    CHECK(rendered({error, 0, 0, 1, "no master", ""}, "") == "f.toml: error: no master\n");
}

TEST_CASE("with tabs the caret is under the position, too") {
    CHECK(rendered({error, 1, 3, 1, "m", ""}, "\ta\tb") ==
          "f.toml:1:3: error: m\n    1 |     a    b\n      |      ^^^^\n");
    CHECK(rendered({error, 1, 4, 1, "m", ""}, "\ta\tb") ==
          "f.toml:1:4: error: m\n    1 |     a    b\n      |          ^\n");
}

TEST_CASE("columns count code points") {
    CHECK(rendered({error, 1, 3, 1, "m", ""},
                   "\xc3\xa4\xe2\x82\xac"
                   "b") ==
          "f.toml:1:3: error: m\n    1 | \xc3\xa4\xe2\x82\xac"
          "b\n      |   ^\n");
}

TEST_CASE("control characters and invalid UTF-8 are escaped") {
    CHECK(rendered({error, 1, 3, 1, "m", ""},
                   "a\x1b"
                   "b") == "f.toml:1:3: error: m\n    1 | a\\x1bb\n      |      ^\n");
    CHECK(rendered({error, 1, 2, 1, "m", ""},
                   "a\xff"
                   "b") == "f.toml:1:2: error: m\n    1 | a\\xffb\n      |  ^^^^\n");
    CHECK(rendered({error, 1, 2, 1, "m", ""},
                   "a\xc2\x9b"
                   "b") == "f.toml:1:2: error: m\n    1 | a\\xc2\\x9bb\n      |  ^^^^^^^^\n");
    CHECK(render({{error, 0, 0, 1, "m", ""}}, "f\x1b", "") == "f\\x1b: error: m\n");
}

TEST_CASE("backslashes of the source are not changed") {
    CHECK(rendered({error, 1, 2, 1, "m", ""}, R"(a\u0000)") == "f.toml:1:2: error: m\n    1 | a\\u0000\n      |  ^\n");
}

TEST_CASE("line ends and a byte order mark are not part of a line") {
    CHECK(rendered({error, 2, 1, 1, "m", ""}, "a\r\nb\r\n") == "f.toml:2:1: error: m\n    2 | b\n      | ^\n");
    CHECK(rendered({error, 1, 1, 1, "m", ""},
                   "\xef\xbb\xbf"
                   "ab") == "f.toml:1:1: error: m\n    1 | ab\n      | ^\n");
}

TEST_CASE("a position after the end of the text has a caret, too") {
    CHECK(rendered({error, 1, 9, 4, "m", ""}, "ab") == "f.toml:1:9: error: m\n    1 | ab\n      |   ^\n");
    CHECK(rendered({error, 7, 2, 1, "m", ""}, "ab") == "f.toml:7:2: error: m\n    7 | \n      | ^\n");
    CHECK(rendered({error, 1, 2, 99, "m", ""}, "abc") == "f.toml:1:2: error: m\n    1 | abc\n      |  ^^\n");
}

TEST_CASE("passwords and text that resembles one are not shown") {
    CHECK(without_secrets(R"(password = "hunter2")") == R"(password = "*******")");
    CHECK(without_secrets(R"(auth = { pasword = 'hunter2', user = "u" })") ==
          R"(auth = { pasword = '*******', user = "u" })");
    CHECK(without_secrets(R"("password"="a\"b")") == R"("password"="****")");
    CHECK(without_secrets(R"(auth.password = "not closed)") == R"(auth.password = "**********)");
    CHECK(without_secrets("password = \"p\xc3\xa4ss\"") == "password = \"****\"");
    CHECK(without_secrets(R"(password_file = "core-pass")") == R"(password_file = "core-pass")");
    CHECK(without_secrets(R"(password_env = "CORE")") == R"(password_env = "CORE")");
    CHECK(without_secrets(R"(endpoints = ["http://u:p@h:1", "http://h"])") ==
          R"(endpoints = ["http://***@h:1", "http://h"])");
    CHECK(without_secrets(R"(endpoints = ["http://h:1/", "a@b"])") == R"(endpoints = ["http://h:1/", "a@b"])");
    CHECK(without_secrets(R"(e = ["root:p/w@h:1", 'http://u:p/w@x@h'])") ==
          R"(e = ["********@h:1", 'http://*******@h'])");
    CHECK(without_secrets(R"(prefix = "/mail/a@b:c")") == R"(prefix = "/mail/a@b:c")");
    CHECK(without_secrets("password") == "password");
    CHECK(without_secrets("password = 1234") == "password = ****");
    CHECK(without_secrets("{ password = 1234, user = 5 }") == "{ password = ****, user = 5 }");
    CHECK(without_secrets("password = [ \"x\" ]") == "password = *******");
    CHECK(without_secrets("") == "");
}

TEST_CASE("no error about a secret contains it") {
    for (const auto* line :
         {"auth = { user = \"u\", password = 73313 }", "auth = { user = \"u\", pasword = \"73313\" }",
          "auth = { password = \"73313\", password_env = \"E\" }", "auth = \"password = '73313'\"",
          "endpoints = \"http://root:73313@h\"", "endpoints = [\"http://root:73313@h\"]",
          "endpoints = [\"http://root:73313@h\", \"root:73313@h\"]"}) {
        CAPTURE(line);
        const std::string text = std::string("[master]\n") + line + "\n";
        const std::string shown = render(parse(text).diagnostics, "f", text);
        CHECK_FALSE(shown.empty());
        CHECK(shown.find("73313") == std::string::npos);
    }
}
