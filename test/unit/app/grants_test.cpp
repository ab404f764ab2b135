// SPDX-License-Identifier: Apache-2.0
#include "app/render/grants.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <memory>

using namespace etcdsync::app;
using namespace etcdsync::keys;
using namespace std::string_literals;

namespace {

/// The bytes that bash reads from one word.
std::string read_by_bash(const std::string& word) {
    // The word is the only argument, so that nothing here can quote it by accident.
    const std::string command = "bash -c 'eval \"set -- $1\"; printf %s \"$1\"; [ $# = 1 ] || printf TOO_MANY' x ";
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? "'\\''"s : std::string(1, c);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> shell(::popen((command + quoted + "'").c_str(), "r"),
                                                                &::pclose);
    REQUIRE(shell);
    std::string out;
    std::array<char, 4096> block{};
    while (const std::size_t got = std::fread(block.data(), 1, block.size(), shell.get()))
        out.append(block.data(), got);
    return out;
}

std::string grant(const key_range& keys) {
    const std::string begin = "etcdctl role grant-permission ";
    std::string line = grant_line("read", keys);
    REQUIRE(line.starts_with(begin));
    return line.substr(begin.size());
}

}  // namespace

TEST_CASE("words are quoted only if a shell requires it") {
    CHECK(shell_word("/config/app_1/a.b-c") == "/config/app_1/a.b-c");
    CHECK(shell_word("") == "''");
    CHECK(shell_word("two words") == "'two words'");
    CHECK(shell_word("it's $HOME") == R"('it'\''s $HOME')");
    CHECK(shell_word("\xc3\xa4") == "'\xc3\xa4'");
    CHECK(shell_word("a\n\xff'") == R"($'a\x0a\xff\x27')");
}

TEST_CASE("bash reads the original bytes from every quoted word") {
    std::string every;
    for (int c = 1; c < 256; ++c) {
        every += static_cast<char>(c);
        const std::string one = "x"s + static_cast<char>(c) + "1";
        CHECK(read_by_bash(shell_word(one)) == one);
    }
    CHECK(read_by_bash(shell_word(every)) == every);
    for (const auto* text : {"a b", "a;b", "a'b", "~", "#a", "a\\", "$(id)", "`id`", "{a,b}", "*", "a\"b", "!x"})
        CHECK(read_by_bash(shell_word(text)) == text);
}

TEST_CASE("the shortest command is printed for a key, a prefix, a range and an open end") {
    CHECK(grant_line("readwrite", prefix_range("/app/")) ==
          "etcdctl role grant-permission ROLE readwrite /app/ --prefix");
    CHECK(grant(single_key("/motd")) == "ROLE read /motd");
    CHECK(grant({"/a", "/n"}) == "ROLE read /a /n");
    CHECK(grant({"/a/", "/a0"}) == "ROLE read /a/ --prefix");
    CHECK(grant({"/a", ""}) == "ROLE read /a --from-key");
    CHECK(grant({"\xff", ""}) == R"(ROLE read $'\xff' --from-key)");
    CHECK(grant(prefix_range("it's ")) == R"(ROLE read 'it'\''s ' --prefix)");
    CHECK(grant(prefix_range("\x01\xfe")) == R"(ROLE read $'\x01\xfe' --prefix)");
}

TEST_CASE("permission for all keys is granted in the form that etcdctl supports") {
    CHECK(grant({"", ""}) == "ROLE read '' --prefix");
    CHECK(grant({"\0"s, ""}) == "ROLE read '' --prefix");
    CHECK(grant({"\0"s, "/n"}) == "ROLE read '' --prefix  # every key: etcdctl can grant no less");
}

TEST_CASE("a key that looks like an option is not parsed as one") {
    CHECK(grant(single_key("-k")) == "-- ROLE read -k");
    CHECK(grant(prefix_range("--x")) == "--prefix -- ROLE read --x");
    CHECK(grant({"+", "-k"}) == "-- ROLE read + -k");
}

TEST_CASE("a key with a zero byte, which cannot be an argument, is granted with a slightly larger range") {
    CHECK(grant({"/a/x\0"s, "/a0"}) == "ROLE read /a/x /a0");
    CHECK(grant({"/a/", "/a/x\0"s}) == R"(ROLE read /a/ $'/a/x\x01')");
    CHECK(grant(single_key("/a\0b"s)) == R"(ROLE read /a $'/a\x01')");
    CHECK(grant(prefix_range("/a\0b"s)) == R"(ROLE read /a $'/a\x01')");
}

TEST_CASE("intervals are described as text") {
    CHECK(described(single_key("/motd")) == "key \"/motd\"");
    CHECK(described(prefix_range("/a/")) == "keys under \"/a/\"");
    CHECK(described({"/a", "/n"}) == "keys from \"/a\" to before \"/n\"");
    CHECK(described({"\0"s, "/n"}) == "keys from the first to before \"/n\"");
    CHECK(described({"/a", ""}) == "keys from \"/a\" on");
    CHECK(described({"/a/", "/motd\0"s}) == "keys from \"/a/\" to \"/motd\"");
    CHECK(described({"/a/x\0"s, "/a0"}) == "keys after \"/a/x\" to before \"/a0\"");
    CHECK(described({"/a/x\0"s, ""}) == "keys after \"/a/x\" on");
    CHECK(described({"\0"s, ""}) == "every key");
    CHECK(described(single_key("\xff")) == "key \"\\xff\"");
}
