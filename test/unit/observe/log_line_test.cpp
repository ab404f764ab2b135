// SPDX-License-Identifier: Apache-2.0
#include "observe/log_line.hpp"

#include "base/escape.hpp"
#include "support/capture_sink.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <limits>

using namespace etcdsync::observe;
using namespace std::chrono_literals;

namespace {

const auto noon = std::chrono::system_clock::from_time_t(1767323045) + 78ms;  // 2026-01-02T03:04:05.078Z

std::string line(line_style style, log_level level, std::string_view message, std::vector<log_field> fields = {}) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    return render_line(style, noon, level, message, fields);
}

constexpr line_style text{.format = log_format::text};
constexpr line_style colored{.format = log_format::text, .color = true};
constexpr line_style logfmt{.format = log_format::logfmt};
constexpr line_style journald{.format = log_format::journald};
constexpr line_style json{.format = log_format::json};

}  // namespace

TEST_CASE("a line has one exact form in each format") {
    const std::vector<log_field> fields{{"slave", "edge-1"}, {"revision", 42}, {"cause", "timed out"}};
    CHECK(line(text, log_level::info, "in sync", fields) ==
          "03:04:05 INFO  in sync slave=edge-1 revision=42 cause=\"timed out\"\n");
    CHECK(line(logfmt, log_level::warn, "in sync", fields) ==
          "time=2026-01-02T03:04:05.078Z level=warn msg=\"in sync\" slave=edge-1 revision=42 cause=\"timed out\"\n");
    CHECK(line(journald, log_level::warn, "in sync", fields) ==
          "<4>level=warn msg=\"in sync\" slave=edge-1 revision=42 cause=\"timed out\"\n");
    CHECK(line(json, log_level::error, "in sync", fields) ==
          R"({"time":"2026-01-02T03:04:05.078Z","level":"error","msg":"in sync",)"
          R"("slave":"edge-1","revision":42,"cause":"timed out"})"
          "\n");
    CHECK(line(colored, log_level::error, "gone", {{"slave", "edge-1"}}) ==
          "\x1b[2m03:04:05\x1b[0m \x1b[31mERROR\x1b[0m gone \x1b[2mslave=\x1b[0medge-1\n");
}

TEST_CASE("a line without fields is as short as can be") {
    CHECK(line(text, log_level::debug, "stopping") == "03:04:05 DEBUG stopping\n");
    CHECK(line(logfmt, log_level::info, "stopping") == "time=2026-01-02T03:04:05.078Z level=info msg=stopping\n");
    CHECK(line(json, log_level::info, "stopping") ==
          R"({"time":"2026-01-02T03:04:05.078Z","level":"info","msg":"stopping"})"
          "\n");
}

TEST_CASE("lines for the journal begin with the syslog priority") {
    CHECK(line(journald, log_level::trace, "x").starts_with("<7>level=trace "));
    CHECK(line(journald, log_level::debug, "x").starts_with("<7>"));
    CHECK(line(journald, log_level::info, "x").starts_with("<6>"));
    CHECK(line(journald, log_level::error, "x").starts_with("<3>"));
}

TEST_CASE("values that logfmt cannot hold bare are quoted") {
    CHECK(line(text, log_level::info, "m", {{"k", ""}}) == "03:04:05 INFO  m k=\"\"\n");
    CHECK(line(text, log_level::info, "m", {{"k", "a=b"}}) == "03:04:05 INFO  m k=\"a=b\"\n");
    CHECK(line(text, log_level::info, "m", {{"k", "say \"hi\""}}) == "03:04:05 INFO  m k=\"say \\\"hi\\\"\"\n");
    CHECK(line(text, log_level::info, "m", {{"k", "grün"}}) == "03:04:05 INFO  m k=grün\n");
}

TEST_CASE("text from base::printable is not escaped a second time") {
    CHECK(line(logfmt, log_level::info, "m", {{"key", R"(/a\x00b)"}}).ends_with("msg=m key=/a\\x00b\n"));
    CHECK(line(json, log_level::info, "m", {{"key", R"(/a\x00b)"}})
              .ends_with(R"(,"key":"/a\\x00b"})"
                         "\n"));
}

TEST_CASE("hostile bytes cannot start a line or reach the terminal") {
    using namespace std::string_literals;
    const std::vector<std::string> hostile{"\x1b[2J\x1b]0;owned\a",
                                           "a\nlevel=error msg=forged",
                                           "tab\tcr\r",
                                           "nul\0byte"s,
                                           "\xff\xfe",
                                           "\xc2\x9b[31m",
                                           "\xed\xa0\x80",
                                           "\x7f"};
    for (const std::string& bytes : hostile) {
        for (const line_style style : {text, logfmt, journald, json}) {
            const std::string out = line(style, log_level::info, bytes, {{"key", bytes}});
            CAPTURE(out);
            CHECK(out.find('\n') == out.size() - 1);
            for (const char c : out.substr(0, out.size() - 1)) {
                CHECK(static_cast<unsigned char>(c) >= 0x20);
                CHECK(static_cast<unsigned char>(c) < 0x7f);
            }
        }
    }
    CHECK(line(text, log_level::info, "a\nb") == "03:04:05 INFO  a\\x0ab\n");
    CHECK(line(logfmt, log_level::info, "m", {{"k", "x \x1b[0m"}}).ends_with(" k=\"x \\\\x1b[0m\"\n"));
    CHECK(line(json, log_level::info, "\xff\"").find(R"("msg":"\\xff\"")") != std::string::npos);
}

TEST_CASE("the names and values of data fields are the same in all formats") {
    using namespace std::string_literals;
    const std::vector<log_field> fields{{"slave", "edge-1"},
                                        {"events", 12'000U},
                                        {"key", etcdsync::base::printable("/a\0\xff"s)},
                                        {"retry_in", 2500ms}};
    const std::string named = R"( slave=edge-1 events=12000 key=/a\x00\xff retry_in=2.5s)";
    CHECK(line(text, log_level::info, "m", fields) == "03:04:05 INFO  m" + named + "\n");
    CHECK(line(logfmt, log_level::info, "m", fields) ==
          "time=2026-01-02T03:04:05.078Z level=info msg=m" + named + "\n");
    CHECK(line(journald, log_level::info, "m", fields) == "<6>level=info msg=m" + named + "\n");
    CHECK(line(json, log_level::info, "m", fields) ==
          R"({"time":"2026-01-02T03:04:05.078Z","level":"info","msg":"m","slave":"edge-1",)"
          R"("events":12000,"key":"/a\\x00\\xff","retry_in":"2.5s"})"
          "\n");
}

TEST_CASE("numbers and booleans are literals in JSON, and everything else is a string") {
    const auto value = [](const log_field& field) {
        std::string out = line(json, log_level::info, "m", {field});
        out.erase(0, out.find(R"("v":)") + 4);
        return out.substr(0, out.size() - 2);
    };
    CHECK(value({"v", -1}) == "-1");
    CHECK(value({"v", std::int64_t{9'007'199'254'740'992}}) == "9007199254740992");
    CHECK(value({"v", 0.5}) == "0.5");
    CHECK(value({"v", true}) == "true");
    CHECK(value({"v", "42"}) == "\"42\"");
    CHECK(value({"v", std::string("true")}) == "\"true\"");
    CHECK(value({"v", 'x'}) == "\"x\"");
    CHECK(value({"v", std::numeric_limits<double>::quiet_NaN()}) == "\"nan\"");
    CHECK(value({"v", -std::numeric_limits<double>::infinity()}) == "\"-inf\"");
}

TEST_CASE("a duration of any type is text in one form") {
    const auto value = [](const log_field& field) { return field.value; };
    CHECK(value({"v", 250ms}) == "250ms");
    CHECK(value({"v", 10s}) == "10s");
    CHECK(value({"v", 125min}) == "2h05m");
    CHECK(value({"v", std::chrono::nanoseconds(1'500'000'000)}) == "1.5s");
    CHECK(value({"v", 0s}) == "0ms");
}

TEST_CASE("a logger drops lines below its level") {
    etcdsync::test::capture_sink seen;
    logger log(seen, log_level::warn);
    log.info("quiet");
    log.warn("loud", {{"n", 1}});
    log.set_level(log_level::trace);
    log.trace("all");
    CHECK(seen.lines == std::vector<std::string>{"warn loud n=1", "trace all"});
}
