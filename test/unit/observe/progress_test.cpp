// SPDX-License-Identifier: Apache-2.0
#include "observe/progress.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::observe;
using namespace std::chrono_literals;

namespace {

const progress part{
    .name = "edge-1", .what = "full sync", .done = 16409, .total = 41022, .bytes = 3250586, .rate = 2200};

std::string bar(const progress& at) { return bar_line(at, 6, 200); }

}  // namespace

TEST_CASE("a progress line has one exact form") {
    CHECK(bar(part) == "edge-1  [##########>---------------] 40%  16409/41022 keys  3.1MiB  2.2k/s  ETA 11s");
    CHECK(plain_line(part) == "edge-1 full sync 40% 16409/41022 keys 3.1MiB eta=11s");
}

TEST_CASE("a bar begins empty, ends full, and never exceeds 100%") {
    progress at{.name = "a", .what = "full sync", .done = 0, .total = 1000};
    CHECK(bar(at) == "a       [>-------------------------]  0%  0/1000 keys  0B");
    at.done = 999;
    CHECK(bar(at) == "a       [#########################>] 99%  999/1000 keys  0B");
    at.done = 1000;
    at.rate = 5;
    CHECK(bar(at) == "a       [##########################]100%  1000/1000 keys  0B  5/s");
    at.done = 1001;
    CHECK(plain_line(at) == "a full sync 100% 1001/1000 keys 0B");
}

TEST_CASE("unknown figures are left out") {
    const progress at{.name = "a", .what = "full sync", .done = 12, .bytes = 2048, .rate = 3e6};
    CHECK(bar(at) == "a       [--------------------------]  ?%  12 keys  2.0KiB  3.0M/s");
    CHECK(plain_line(at) == "a full sync 12 keys 2.0KiB");
}

TEST_CASE("the time left is at least a second and at most a year") {
    progress at{.name = "a", .what = "full sync", .done = 1, .total = 2, .rate = 1e6};
    CHECK(plain_line(at).ends_with(" eta=1s"));
    at.total = ~std::uint64_t{0};
    at.rate = 1e-9;
    CHECK(plain_line(at).ends_with(" eta=365d0h"));
}

TEST_CASE("a bar fits its terminal") {
    CHECK(bar_line(part, 6, 84).size() == 83);
    CHECK(bar_line(part, 6, 83) == "edge-1  [#####>-------] 40%  16409/41022 keys  3.1MiB  2.2k/s  ETA 11s");
    CHECK(bar_line(part, 6, 70) == "edge-1  [##>---] 40%  16409/41022 keys  3.1MiB  2.2k/s  ETA 11s");
    CHECK(bar_line(part, 6, 40) == "edge-1  [##>---] 40%  16409/41022 keys ");
    CHECK(bar_line(part, 6, 1).empty());
    CHECK(bar_line(part, 6, 0).empty());
    CHECK(bar_line(part, 10, 200).starts_with("edge-1      ["));
}

TEST_CASE("the rate covers the last ten seconds") {
    rate_meter meter;
    auto now = rate_meter::time_point{} + 1h;
    CHECK(meter.update(now, 5000) == 0);  // the work may resume where an earlier run stopped
    for (int second = 1; second <= 20; ++second) {
        now += 1s;
        CHECK(meter.update(now, 5000 + 100 * static_cast<std::uint64_t>(second)) == doctest::Approx(100));
    }
    double rate = 0;
    for (int second = 1; second <= 12; ++second) rate = meter.update(now += 1s, 7000);
    CHECK(rate == 0);
    CHECK(meter.update(now += 1s, 10) == 0);  // restarted
    CHECK(meter.update(now += 1s, 60) == doctest::Approx(50));
}

TEST_CASE("a meter that is read rarely still has a rate") {
    rate_meter meter;
    auto now = rate_meter::time_point{} + 1h;
    meter.update(now, 0);
    CHECK(meter.update(now += 10s, 1000) == doctest::Approx(100));
    CHECK(meter.update(now += 10s, 3000) == doctest::Approx(200));
}
