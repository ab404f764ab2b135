// SPDX-License-Identifier: Apache-2.0
#include "observe/terminal.hpp"

#include "unit/observe/pipe.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace etcdsync::observe;

TEST_CASE("the flag decides about color, then NO_COLOR, then CLICOLOR_FORCE, then the terminal") {
    const terminal tty{.is_tty = true, .term = "xterm"};
    CHECK(wants_color(color_mode::automatic, tty));
    CHECK_FALSE(wants_color(color_mode::automatic, {}));
    CHECK_FALSE(wants_color(color_mode::automatic, {.is_tty = true, .term = "dumb"}));
    CHECK_FALSE(wants_color(color_mode::never, tty));
    CHECK(wants_color(color_mode::always, {.no_color = "1"}));
    CHECK_FALSE(wants_color(color_mode::automatic, {.is_tty = true, .no_color = "1", .clicolor_force = "1"}));
    CHECK(wants_color(color_mode::automatic, {.clicolor_force = "1"}));
    CHECK_FALSE(wants_color(color_mode::automatic, {.clicolor_force = "0"}));
}

TEST_CASE("the automatic format depends on the output") {
    const auto automatic = [](const terminal& output) {
        return choose_style(std::nullopt, color_mode::automatic, output).format;
    };
    CHECK(automatic({.is_tty = true}) == log_format::text);
    CHECK(automatic({.is_journal = true}) == log_format::journald);
    CHECK(automatic({}) == log_format::logfmt);
    const terminal journal{.is_journal = true};
    CHECK(choose_style(log_format::json, color_mode::automatic, journal).format == log_format::json);
    CHECK(choose_style(log_format::text, color_mode::always, journal).color);
}

TEST_CASE("progress is a bar if it can be redrawn") {
    CHECK(choose_progress(progress_mode::automatic, {.is_tty = true, .term = "xterm"}) == progress_mode::bar);
    CHECK(choose_progress(progress_mode::automatic, {.is_tty = true, .term = "dumb"}) == progress_mode::plain);
    CHECK(choose_progress(progress_mode::automatic, {}) == progress_mode::plain);
    CHECK(choose_progress(progress_mode::bar, {}) == progress_mode::bar);
    CHECK(choose_progress(progress_mode::none, {.is_tty = true}) == progress_mode::none);
}

TEST_CASE("stderr is the journal only if $JOURNAL_STREAM names the same file") {
    const etcdsync::test::pipe err;
    struct stat file {};
    REQUIRE(::fstat(err.writer(), &file) == 0);
    CHECK(is_journal(err.writer(), fmt::format("{}:{}", file.st_dev, file.st_ino)));
    CHECK_FALSE(is_journal(err.writer(), fmt::format("{}:{}", file.st_dev, file.st_ino + 1)));
    CHECK_FALSE(is_journal(err.writer(), ""));
    CHECK_FALSE(is_journal(-1, "1:2"));
}
