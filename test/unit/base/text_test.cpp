// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace etcdsync::base;
using namespace std::chrono_literals;

TEST_CASE("durations are whole numbers with a unit") {
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("10s") == 10s);
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("0s") == 0s);
    for (const auto* bad :
         {"", "10", "s", "1.5s", "-1s", "10 s", "10sec", "1d", "99999999999999999999s", "9223372036854775807h"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_duration(bad));
    }
}

TEST_CASE("sizes are whole numbers with a binary unit") {
    CHECK(parse_byte_count("512KiB") == 512 * 1024);
    CHECK(parse_byte_count("16MiB") == 16 << 20);
    CHECK(parse_byte_count("100B") == 100);
    for (const auto* bad : {"", "12", "MiB", "1MB", "1.5MiB", "-1B", "99999999999GiB"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_byte_count(bad));
    }
}

TEST_CASE("sizes, durations and times are written in units people read") {
    CHECK(format_bytes(0) == "0B");
    CHECK(format_bytes(3 << 20) == "3.0MiB");
    CHECK(format_duration(250ms) == "250ms");
    CHECK(format_duration(2500ms) == "2.5s");
    CHECK(format_duration(12s) == "12s");
    CHECK(format_duration(125min) == "2h05m");
    CHECK(format_duration(76h) == "3d4h");
    CHECK(format_time(std::chrono::system_clock::from_time_t(1767323045)) == "2026-01-02T03:04:05Z");
}

TEST_CASE("a near word is suggested, a far one is not") {
    static constexpr std::array<std::string_view, 3> words{"password", "endpoints", "prefix"};
    CHECK(nearest("pasword", words) == "password");
    CHECK(nearest("endpoint", words) == "endpoints");
    CHECK(nearest("colour", words).empty());
}
