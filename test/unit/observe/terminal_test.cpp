// SPDX-License-Identifier: Apache-2.0
#include "observe/terminal.hpp"

#include "unit/observe/pipe.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace etcdsync::observe;

TEST_CASE("the flag decides about colour, then NO_COLOR, then CLICOLOR_FORCE, then the terminal") {
    const terminal tty{.is_tty = true, .term = "xterm"};
    CHECK(wants_colour(colour_mode::automatic, tty));
    CHECK_FALSE(wants_colour(colour_mode::automatic, {}));
    CHECK_FALSE(wants_colour(colour_mode::automatic, {.is_tty = true, .term = "dumb"}));
    CHECK_FALSE(wants_colour(colour_mode::never, tty));
    CHECK(wants_colour(colour_mode::always, {.no_color = "1"}));
    CHECK_FALSE(wants_colour(colour_mode::automatic, {.is_tty = true, .no_color = "1", .clicolor_force = "1"}));
    CHECK(wants_colour(colour_mode::automatic, {.clicolor_force = "1"}));
    CHECK_FALSE(wants_colour(colour_mode::automatic, {.clicolor_force = "0"}));
}

TEST_CASE("the automatic format looks who reads") {
    const auto automatic = [](const terminal& behind) {
        return choose_style(std::nullopt, colour_mode::automatic, behind).format;
    };
    CHECK(automatic({.is_tty = true}) == log_format::text);
    CHECK(automatic({.is_journal = true}) == log_format::journald);
    CHECK(automatic({}) == log_format::logfmt);
    const terminal journal{.is_journal = true};
    CHECK(choose_style(log_format::json, colour_mode::automatic, journal).format == log_format::json);
    CHECK(choose_style(log_format::text, colour_mode::always, journal).colour);
}

TEST_CASE("progress is a bar where it can be redrawn") {
    CHECK(choose_progress(progress_mode::automatic, {.is_tty = true, .term = "xterm"}) == progress_mode::bar);
    CHECK(choose_progress(progress_mode::automatic, {.is_tty = true, .term = "dumb"}) == progress_mode::plain);
    CHECK(choose_progress(progress_mode::automatic, {}) == progress_mode::plain);
    CHECK(choose_progress(progress_mode::bar, {}) == progress_mode::bar);
    CHECK(choose_progress(progress_mode::none, {.is_tty = true}) == progress_mode::none);
}

TEST_CASE("stderr is the journal only where $JOURNAL_STREAM names that very file") {
    const etcdsync::test::pipe err;
    struct stat file {};
    REQUIRE(::fstat(err.writer(), &file) == 0);
    CHECK(is_journal(err.writer(), fmt::format("{}:{}", file.st_dev, file.st_ino)));
    CHECK_FALSE(is_journal(err.writer(), fmt::format("{}:{}", file.st_dev, file.st_ino + 1)));
    CHECK_FALSE(is_journal(err.writer(), ""));
    CHECK_FALSE(is_journal(-1, "1:2"));
}
