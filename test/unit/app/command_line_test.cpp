// SPDX-License-Identifier: Apache-2.0
#include "app/cli/command_line.hpp"

#include "app/cli/help.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::app;

namespace {

using words = std::vector<std::string>;

options accepted(const words& arguments) {
    const auto value = parse_command_line(arguments);
    if (value) return *value;
    FAIL(value.error().text);
    return {};
}

std::string refused(const words& arguments) {
    const auto value = parse_command_line(arguments);
    return value ? "accepted" : value.error().text;
}

}  // namespace

TEST_CASE("every command is parsed by its name") {
    CHECK(accepted({}).what == command::none);
    CHECK(accepted({"run"}).what == command::run);
    CHECK(accepted({"check-config"}).what == command::check_config);
    CHECK(accepted({"explain", "/k"}).what == command::explain);
    CHECK(accepted({"version"}).what == command::version);
    CHECK(accepted({"--version"}).what == command::version);
    for (const words& help : {words{"help"}, {"--help"}, {"-h"}}) {
        CHECK(accepted(help).what == command::help);
        CHECK(accepted(help).topic.empty());
    }
    for (const words& help : {words{"help", "run"}, {"run", "--help"}, {"-h", "run"}}) {
        CHECK(accepted(help).what == command::help);
        CHECK(accepted(help).topic == "run");
    }
    CHECK(accepted({"explain", "--help"}).topic == "explain");
}

TEST_CASE("sync and verify accept slaves and their own options") {
    CHECK(accepted({"sync"}).what == command::sync);
    CHECK(accepted({"verify"}).what == command::verify);
    CHECK(accepted({"sync"}).slaves.empty());
    CHECK(accepted({"sync", "--slave", "a", "b", "-n"}).slaves == words{"a", "b"});
    CHECK(accepted({"verify", "--slave", "a", "--slave=b", "--repair"}).slaves == words{"a", "b"});
    CHECK(accepted({"sync", "-n"}).dry_run);
    CHECK(accepted({"sync", "--dry-run"}).dry_run);
    CHECK_FALSE(accepted({"sync"}).dry_run);
    CHECK(accepted({"sync", "--approve"}).approve);
    CHECK_FALSE(accepted({"sync", "--approve"}).foreign);
    CHECK(accepted({"sync", "-n", "--approve", "--foreign", "--slave=-x"}).foreign);
    CHECK(accepted({"sync", "--approve", "--slave=-x"}).slaves == std::vector<std::string>{"-x"});
    CHECK(refused({"sync", "--foreign"}) == "--foreign needs --approve");
    CHECK_FALSE(accepted({"verify"}).max_behind.has_value());
    CHECK(accepted({"verify", "--max-behind", "0"}).max_behind == 0);
    CHECK(accepted({"verify", "--max-behind=300", "--repair"}).max_behind == 300);
    for (const char* const wrong : {"x", "-1", "1x", "99999999999999999999", "1.5"}) {
        CHECK(refused({"verify", std::string("--max-behind=") + wrong}) ==
              std::string("--max-behind takes a number of revisions, not \"") + wrong + "\"");
    }
    CHECK(refused({"sync", "--max-behind", "1"}).starts_with("unknown option \"--max-behind\""));
    CHECK(refused({"verify", "--foreign"}) == "unknown option \"--foreign\"");
    CHECK(accepted({"verify", "--repair"}).repair);
    CHECK(refused({"sync", "--slave"}) == "--slave needs a NAME");
    CHECK(refused({"sync", "--aprove"}) == "unknown option \"--aprove\"; did you mean \"--approve\"?");
    CHECK(refused({"verify", "--approve"}) == "unknown option \"--approve\"");
    CHECK(refused({"sync", "edge-1"}) == "unexpected argument \"edge-1\"");
}

TEST_CASE("global options can be before or after the command, in any common notation") {
    const words writings[] = {{"-c", "f", "run"},       {"run", "-c", "f"},       {"-cf", "run"},
                              {"run", "-cf"},           {"--config", "f", "run"}, {"run", "--config", "f"},
                              {"--config=f", "run"},    {"run", "--config=f"},    {"run", "-qc", "f"},
                              {"-v", "run", "-c", "f"}, {"-c", "f", "run", "-v"}};
    for (const words& writing : writings) {
        const options value = accepted(writing);
        CHECK(value.what == command::run);
        CHECK(value.config_file == "f");
    }
    CHECK_FALSE(accepted({"run"}).config_file.has_value());
    CHECK(accepted({"-c", "", "run"}).config_file == "");
}

TEST_CASE("each option sets its value") {
    CHECK(accepted({"version"}).format == output_format::table);
    CHECK(accepted({"version", "-w", "json"}).format == output_format::json);
    CHECK(accepted({"-w", "table", "version"}).format == output_format::table);
    CHECK(accepted({"version", "--write-out=json"}).format == output_format::json);
    CHECK(accepted({"--json", "version"}).format == output_format::json);
    CHECK(accepted({"version", "--json"}).format == output_format::json);
    CHECK(accepted({"run", "-q"}).quiet);
    CHECK_FALSE(accepted({"run"}).quiet);
    CHECK(accepted({"run", "-v"}).verbose == 1);
    CHECK(accepted({"run", "-vv"}).verbose == 2);
    CHECK(accepted({"-v", "run", "--verbose"}).verbose == 2);
    CHECK(accepted({"run", "--color", "never"}).color == observe::color_mode::never);
    CHECK(accepted({"run", "--color=always"}).color == observe::color_mode::always);
    CHECK(accepted({"run"}).color == observe::color_mode::automatic);
    CHECK(accepted({"run", "--progress", "plain"}).progress == observe::progress_mode::plain);
    CHECK(accepted({"--progress=none", "run"}).progress == observe::progress_mode::none);
}

TEST_CASE("a key is read literally, or as hexadecimal digits with --hex") {
    CHECK(accepted({"explain", "/com/a"}).key == "/com/a");
    CHECK(accepted({"explain", "run"}).key == "run");
    CHECK(accepted({"explain", "status", "--json"}).key == "status");
    CHECK(accepted({"explain", "--", "-c"}).key == "-c");
    CHECK(accepted({"-c", "f", "explain", "--hex", "--", "2d"}).key == "-");
    CHECK(refused({"explain", "--", "a", "-c", "f"}) == "unexpected argument \"-c\"");
    CHECK(accepted({"explain", R"(\x00)"}).key == R"(\x00)");
    CHECK(accepted({"explain", "--hex", "00fFaB"}).key == std::string("\x00\xff\xab", 3));
    CHECK(accepted({"explain", "2f", "--hex"}).key == "/");
    CHECK(refused({"explain"}) == "explain needs a KEY");
    CHECK(refused({"explain", ""}) == "explain needs a KEY");
    CHECK(refused({"explain", "a", "b"}) == "unexpected argument \"b\"");
    CHECK(refused({"explain", "--hex", "2"}) == "--hex takes two digits per byte");
    CHECK(refused({"explain", "--hex", "2g"}) == "\"2g\" is not hexadecimal");
}

TEST_CASE("check-config connects only with --connect") {
    CHECK_FALSE(accepted({"check-config"}).connect);
    CHECK(accepted({"check-config", "--connect"}).connect);
    CHECK(accepted({"--json", "check-config", "--connect", "-c", "f"}).connect);
}

TEST_CASE("planned commands and options are rejected as not supported yet, whatever follows") {
    for (const command_info& c : all_commands()) {
        if (c.what != command::none) continue;
        const std::string name(c.name);
        const std::string refusal = name + " is not supported yet";
        CHECK(refused({name}) == refusal);
        CHECK(refused({name, "--slave", "edge-1", "-n", "--color", "odd"}) == refusal);
        CHECK(refused({"-c", "f", name, "x"}) == refusal);
        CHECK(refused({"help", name}) == refusal);
    }
    CHECK(refused({"run", "--admin", "127.0.0.1:1"}) == "--admin is not supported yet");
    CHECK(refused({"--admin=x", "run"}) == "--admin is not supported yet");
}

TEST_CASE("a mistyped argument is reported in one line, with a suggestion") {
    CHECK(refused({"rnu"}) == "unknown command \"rnu\"; did you mean \"run\"?");
    CHECK(refused({"chek-config", "-c", "f"}) == "unknown command \"chek-config\"; did you mean \"check-config\"?");
    CHECK(refused({"help", "versoin"}) == "unknown command \"versoin\"; did you mean \"version\"?");
    CHECK(refused({"xyzzy"}) == "unknown command \"xyzzy\"");
    CHECK(refused({"run", "more"}) == "unexpected argument \"more\"");
    CHECK(refused({"run", "--colr", "x"}) == "unknown option \"--colr\"; did you mean \"--color\"?");
    CHECK(refused({"--confg=f", "run"}) == "unknown option \"--confg\"; did you mean \"--config\"?");
    CHECK(refused({"run", "--connect"}) == "unknown option \"--connect\"");
    CHECK(refused({"-x"}) == "unknown option \"-x\"");
    CHECK(refused({"run", "-w", "yaml"}) == "--write-out must be one of json, jsonl, table, not \"yaml\"");
    CHECK(refused({"run", "--color", ""}) == "--color must be one of always, auto, never, not \"\"");
    CHECK(refused({"run", "--progress=json"}) == "--progress must be one of auto, bar, none, plain, not \"json\"");
    CHECK(refused({"run", "-c"}) == "--config takes one value, and can be given once");
    CHECK(refused({"-c", "a", "run", "-c", "b"}) == "--config takes one value, and can be given once");
    CHECK(refused({"\x1b[2J"}) == "unknown command \"\\x1b[2J\"");
}

TEST_CASE("help lists every supported command and every global option, within 120 columns") {
    const std::string help = long_help("");
    for (const command_info& c : all_commands()) {
        if (c.what != command::none) CHECK(help.find("\n  " + std::string(c.name)) != std::string::npos);
    }
    for (const auto* flag : {"--config", "--write-out", "--json", "--quiet", "--verbose", "--color", "--progress",
                             "--help", "--version"}) {
        CHECK(help.find(flag) != std::string::npos);
    }
    for (const auto* topic : {"", "run", "check-config", "explain", "version", "help"}) {
        std::size_t column = 0;
        for (const char c : long_help(topic)) {
            column = c == '\n' ? 0 : column + 1;
            CHECK(column <= 120);
        }
    }
    CHECK(long_help("explain").starts_with("usage: etcd-sync [OPTIONS] explain KEY\n"));
    CHECK(short_help().ends_with("\n\nTry: etcd-sync help\n"));
}
