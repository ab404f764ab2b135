// SPDX-License-Identifier: Apache-2.0
#include "config/toml/toml_traps.hpp"

#include "config/files/load.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::config;

namespace {

std::string repeated(std::string_view part, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += part;
    return all;
}

std::string trap_in(std::string_view text) {
    const auto found = find_toml_trap(text);
    if (!found) return "";
    return std::to_string(found->at.line) + ":" + std::to_string(found->at.column) + " " + found->what.message;
}

const std::string non_ascii = " non-ASCII characters are allowed only in strings and comments";
const std::string too_deep = " tables are nested too deeply";
const std::string multi_line = " multi-line strings are not supported";

}  // namespace

TEST_CASE("non-ASCII characters are allowed only in strings and comments") {
    CHECK(trap_in("a = \"\xc3\xa4\" # \xc3\xa4\n'\xc3\xa4' = 1\n").empty());
    CHECK(trap_in("a = '\\' # '\xc3\xa4").empty());
    CHECK(trap_in("\xc3\xa4 = 1") == "1:1" + non_ascii);
    CHECK(trap_in("a = 1\n[\xc3\xa4]") == "2:2" + non_ascii);
    CHECK(trap_in("a = \"\xc3\xa4\"\xc2\xa0") == "1:8" + non_ascii);
    CHECK(trap_in("a = \"\\\"\xc3\xa4\" \xe2\x80\x9c") == "1:11" + non_ascii);
    CHECK(trap_in("a = '\\' \xe2\x80\x9c") == "1:9" + non_ascii);
    CHECK(trap_in("# c\n# \xc3\xa4\n \xc3\xa4") == "3:2" + non_ascii);
    CHECK(brief(parse("instance = \xe2\x80\x9c"
                      "edge\xe2\x80\x9d")
                    .diagnostics.at(0)) == "1:12:" + non_ascii + " | replace typographic quotes, dashes and spaces");
}

TEST_CASE("a byte order mark at the start of the file is allowed and not counted") {
    CHECK(trap_in("\xef\xbb\xbf"
                  "a = 1")
              .empty());
    CHECK(trap_in("\xef\xbb\xbf"
                  "a = \xc3\xa4") == "1:5" + non_ascii);
    CHECK(trap_in(" \xef\xbb\xbf"
                  "a = 1") == "1:2" + non_ascii);
    CHECK(parse("\xef\xbb\xbf" + around("instance = \"a\"")).value.has_value());
}

TEST_CASE("multi-line strings are rejected, empty strings are not") {
    CHECK(trap_in("a = \"\"\"x\"\"\"") == "1:5" + multi_line);
    CHECK(trap_in("a = ''\nb = '''x'''") == "2:5" + multi_line);
    CHECK(trap_in("a = [\"\", '', \"\\\"\"]\nb = \"'''\"\nc = '\"\"\"'").empty());
}

TEST_CASE("an unclosed string ends at the end of its line") {
    CHECK(trap_in("a = \"\xc3\xa4\nb = 1\n").empty());
    CHECK(trap_in("a = \"\xc3\xa4\n\xc3\xa4") == "2:1" + non_ascii);
    CHECK(trap_in("a = \"\\\n\xc3\xa4") == "2:1" + non_ascii);
    CHECK(trap_in("a = \"").empty());
    CHECK(trap_in("a = \"\\").empty());
    CHECK(trap_in("#").empty());
    CHECK(trap_in("").empty());
}

TEST_CASE("non-ASCII characters after a quote inside a value cause no undefined behavior") {
    // The trap treats the quotes as those of strings. The sanitizers check what toml++ does.
    for (const char* value :
         {"[1:2\"\xcd\xb0", "1 '\xcd\xb0'", "2020-01-01 \"\xcd\xb0\"", "1.'\xc3\xa4'", "1=\"\xc3\xa4\"",
          "1[\"\xc3\xa4\"", "1{\"\xc3\xa4\"", "-.'\xc3\xa4'", "+=\"\xc3\xa4\"", "[1.'\xc3\xa4']",
          "2020-01-01 1.'\xc3\xa4'", "[\"x\" \"\xe2\x80\x8b\"]", "1'\xef\xbb\xbf'"}) {
        CAPTURE(value);
        const std::string text = std::string("a = ") + value + "\n";
        CHECK(trap_in(text).empty());
        CHECK(parse(text).diagnostics.size() == 1);
    }
}

TEST_CASE("nesting is limited in all its forms") {
    CHECK(parse("a = " + repeated("[", 1'000'000)).diagnostics.size() == 1);
    CHECK(parse("a = " + repeated("{a=", 100'000)).diagnostics.size() == 1);
    CHECK(brief(parse(repeated("a.", 1'000'000) + "a = 1").diagnostics.at(0)) == "1:32:" + too_deep);
    CHECK(trap_in("\n[" + repeated("'a' . ", 500'000) + "a]") == "2:96" + too_deep);
    CHECK(trap_in("x = { a = 1, " + repeated("c.", 20) + "c = 1 }") == "1:45" + too_deep);
    CHECK(trap_in(repeated("a.", 15) + "a = 1").empty());
}

TEST_CASE("dots outside keys are not counted") {
    CHECK(trap_in("x = 1\n# " + repeated(".", 50) + "\ny = '" + repeated(".", 50) + "'\n").empty());
    CHECK(trap_in("x = \"\\\"" + repeated(".", 50) + "\"").empty());
    CHECK(trap_in("v = [" + repeated("1.5, ", 50) + "]").empty());
    CHECK(trap_in(repeated("[a.b]\nc.d = 1.5\n", 50)).empty());
}
