// SPDX-License-Identifier: Apache-2.0
#include "observe/repeat_counter.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace etcdsync::observe;
using namespace std::chrono_literals;

namespace {

struct fixture {
    repeat_counter counter{10s};
    std::chrono::system_clock::time_point now = std::chrono::system_clock::from_time_t(1'000'000);

    repeat_counter::verdict take(std::string_view message, std::vector<log_field> fields = {},
                                 log_level level = log_level::info) {
        return counter.take(now, level, message, fields);
    }
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "the same line within ten seconds is counted, and reported with the next other one") {
    CHECK(take("a", {}, log_level::warn).show);
    CHECK_FALSE(take("a", {}, log_level::warn).show);
    now += 9s;
    CHECK_FALSE(take("a", {}, log_level::warn).show);
    const auto other = take("b");
    CHECK(other.show);
    CHECK(other.repeats == 2);
    CHECK(other.repeated == log_level::warn);
    CHECK(take("c").repeats == 0);
}

TEST_CASE_FIXTURE(fixture, "a line that keeps repeating is shown every ten seconds") {
    unsigned shown = 0;
    std::uint64_t counted = 0;
    for (int second = 0; second < 31; ++second) {
        const auto seen = take("a");
        shown += seen.show ? 1 : 0;
        counted += seen.repeats;
        now += 1s;
    }
    CHECK(shown == 4);
    CHECK(counted == 27);
}

TEST_CASE_FIXTURE(fixture, "lines that differ in level or in a field are different lines") {
    CHECK(take("a").show);
    CHECK(take("a", {{"k", 1}}).show);
    CHECK(take("a", {{"k", 2}}).show);
    CHECK(take("a", {{"k", 2}}, log_level::warn).show);
    CHECK(take("a", {{"k2", ""}}).show);
    CHECK(take("a", {{"k", "2"}, {"", ""}}).show);
}

TEST_CASE_FIXTURE(fixture, "setting the clock back does not suppress a line") {
    CHECK(take("a").show);
    now -= 24h;
    CHECK(take("a").show);
}

TEST_CASE_FIXTURE(fixture, "the count can be flushed at the end, once") {
    CHECK(take("a").show);
    CHECK_FALSE(take("a").show);
    CHECK(counter.flush().repeats == 1);
    CHECK(counter.flush().repeats == 0);
}
