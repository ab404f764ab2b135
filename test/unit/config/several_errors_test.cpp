// SPDX-License-Identifier: Apache-2.0
#include "config/toml/key_homes.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace etcdsync::config;
using namespace std::string_literals;

namespace {

std::vector<std::string> errors_of(const std::string& text) {
    std::vector<std::string> all;
    const parse_result read = parse(text);
    for (const diagnostic& d : read.diagnostics) all.push_back(brief(d));
    const bool stopped = std::ranges::any_of(
        read.diagnostics, [](const diagnostic& d) { return d.level == diagnostic::severity::error; });
    CHECK(read.value.has_value() == !stopped);
    return all;
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("every error of a file is reported at once, in the order of the file") {
    const strings found = errors_of(R"(instanc = "a"
[master]
endpoints = ["m", "http://${M}"]
[[slave]]
name = "A"
endpoints = 5
required = "yes"
[[slave]]
endpoints = ["http://s"]
[[rule]]
prefix = ""
exclude = ["[", 5]
[[rule]]
key = "/k"
strip = "/x"
[replication]
probe_interval = 30
txn_max_ops = 1
[log]
level = "loud"
)");
    CHECK(
        found ==
        strings{
            R"(1:1: unknown key "instanc" | did you mean "instance"?)",
            R"(3:14: "m" is not an endpoint: no scheme | write "http://m")",
            R"(3:19: an element of "endpoints" contains "${", but variables are not expanded in this file | write the value itself)",
            R"(5:8: "A" cannot be a name | one or more of a-z, 0-9, ".", "_" and "-")",
            R"(6:13: "endpoints" must be an array, not an integer | write [...])",
            R"(7:12: "required" must be true or false, not a string)",
            R"(8:1: slave 2 needs a name: there is more than one | write name = "slave-2")",
            R"(11:10: "prefix" is empty | for every key write range = ["\u0000", "\u0000"])",
            R"(12:12: an element of "exclude": a "[" is not closed)",
            R"(12:17: an element of "exclude" must be a string or { hex = "..." }, not an integer | write "5")",
            R"(15:9: "strip" is not a prefix of every key rule "/k" can match | at most "/k")",
            R"(17:18: "probe_interval" must be a duration with its unit, not an integer | write "30s")",
            R"(18:15: "txn_max_ops" is too small | at least 4)",
            R"(20:9: "level" must be "trace", "debug", "info", "warn" or "error")",
        });
}

TEST_CASE("an empty file has an error for each of the three missing parts, without a position") {
    CHECK(errors_of("") == strings{
                               R"(0:0: no master | write [master] with endpoints = ["http://host:2379"])",
                               R"(0:0: no slave | write [[slave]] with endpoints = ["http://host:2379"])",
                               R"(0:0: no rule | write [[rule]] with prefix = "/config/")",
                           });
}

TEST_CASE("a slave that names an invalid rule causes no second error") {
    CHECK(errors_of(
              around("[[slave]]\nendpoints = [\"http://s\"]\nrules = [\"app\"]\n[[rule]]\nname = 5\nprefix = \"/a/\""))
              .size() == 1);
    CHECK(
        errors_of(
            around(
                "[[slave]]\nendpoints = [\"http://s\"]\nrules = [\"app\"]\n[[rule]]\nnam = \"app\"\nprefix = \"/a/\""))
            .size() == 1);
    CHECK(errors_of(around("[[slave]]\nendpoints = [\"http://s\"]\nrules = [\"app\"]\n[[rules]]\nname = "
                           "\"app\"\nprefix = \"/a/\""))
              .size() == 1);
}

TEST_CASE("an invalid mapping causes no second error about colliding rules") {
    const std::string two = "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nname = \"b\"\nprefix = \"/a/\"\n";
    CHECK(errors_of(around(two + "dst = \"/b/\"")).size() == 1);
    CHECK(errors_of(around(two + "dest = 5")).size() == 1);
    CHECK(errors_of(around(two + "strip = 5\ndest = \"/a/b/\"")).size() == 1);
    CHECK(errors_of(around(two + "strip = \"/x\"\ndest = \"/a/b/\"")).size() == 1);
    CHECK(errors_of(around("[[rule]]\nprefix = \"/.etcd-sync/\"\n[replication]\ncheckpoint_prefix = 5")).size() == 1);
    CHECK(errors_of(around("[[rule]]\nprefix = \"/.etcd-sync/\"\ndest = \"/.etcd-sync/\"")).size() == 1);
}

TEST_CASE("colliding rules are reported once, not for every slave") {
    const strings found = errors_of(around(R"([[slave]]
name = "a"
endpoints = ["http://a"]
[[slave]]
name = "b"
endpoints = ["http://b"]
dest = "/x"
[[rule]]
prefix = "/a/"
[[rule]]
prefix = "/b/"
dest = "/a/b/"
)"));
    CHECK(found == strings{R"(12:8: rule "/a/" and rule "/b/" both write ["/a/b/", "/a/b0") on slave "a")"
                           R"( | the other one is on line 8; change a dest so that they do not overlap)"});
}

TEST_CASE("each colliding pair is reported, even if the first rule contains all others") {
    CHECK(errors_of(around(R"([[rule]]
name = "all"
prefix = "/"
[[rule]]
prefix = "/m/"
dest = "/b/"
[[rule]]
prefix = "/n/"
dest = "/c/"
[[rule]]
prefix = "/o/"
dest = "x"
)"))
              .size() == 2);
}

TEST_CASE("the dest of a slave can map a rule into the checkpoint prefix, and can prevent an empty key") {
    const std::string slave = "[[slave]]\nendpoints = [\"http://s\"]\ndest = \"/.etcd-sync\"\n";
    CHECK(errors_of(around(slave + "[[rule]]\nprefix = \"/a/\"")).size() == 1);
    CHECK(errors_of(
              around("[[slave]]\nendpoints = [\"http://s\"]\ndest = \"/s\"\n[[rule]]\nkey = \"/a\"\nstrip = \"/a\""))
              .empty());
}

TEST_CASE("every key in the table of key homes exists in its section") {
    for (const auto& home : key_homes()) {
        const std::string_view key = home.key;
        const std::string_view section = home.section;
        CAPTURE(key);
        if (section.find('{') != std::string_view::npos) continue;
        const std::string text = std::string(section) + "\n" + std::string(key) + " = 2026-01-01\n";
        for (const diagnostic& d : parse(text).diagnostics) CHECK(d.message.find("unknown key") == std::string::npos);
        CHECK_FALSE(home_of_key(key).empty());
    }
    CHECK(home_of_key("name").empty());
}

TEST_CASE("invalid TOML is one error with its position, and safe to print") {
    const auto found = parse("a = 1\nb = tru\x1b[2J\n").diagnostics;
    REQUIRE(found.size() == 1);
    CHECK(found[0].line == 2);
    CHECK(found[0].message.find('\x1b') == std::string::npos);
    CHECK(parse("a = \"\n\"").diagnostics.at(0).message.find('\n') == std::string::npos);
    CHECK(parse("a = 1\na = 2\n").diagnostics.at(0).line == 2);
    CHECK(parse("\xff\xfe").diagnostics.size() == 1);
    CHECK(parse("a = \"\xff\"").diagnostics.size() == 1);
    CHECK(brief(parse("\0 = 1"s).diagnostics.at(0)) ==
          R"(1:1: Error while parsing root table: expected keys, tables, whitespace or comments, saw '\u0000')");
    CHECK(parse(std::string("a = \0", 5)).diagnostics.size() == 1);
}

TEST_CASE("text that fails an assertion of toml++ is a normal error") {
    for (const auto* text : {"[=]", "[.a]", "[[=]]", "[\x01]", "[ @]"}) {
        CAPTURE(text);
        const auto found = parse(text).diagnostics;
        REQUIRE(found.size() == 1);
        CHECK(found[0].line == 1);
        CHECK(found[0].message.find("expected bare key starting character") != std::string::npos);
    }
}

TEST_CASE("a truncated configuration, or one with a changed byte, does not crash the parser") {
    const std::string text =
        around("instance = \"a\"\n[[rule]]\nrange = [\"/a\", { hex = \"00ff\" }]\nexclude = [\"/a[b]*\"]\n");
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string cut = text.substr(0, i);
        (void)render(parse(cut).diagnostics, "cut", cut);
        for (const char byte : {'\0', '"', '[', '.', '\xff', '\n'}) {
            std::string changed = text;
            changed[i] = byte;
            const parse_result read = parse(changed);
            const bool failed = std::ranges::any_of(
                read.diagnostics, [](const diagnostic& d) { return d.level == diagnostic::severity::error; });
            CHECK(failed != read.value.has_value());
            (void)render(read.diagnostics, "changed", changed);
        }
    }
}
