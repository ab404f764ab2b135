// SPDX-License-Identifier: Apache-2.0
#include "replication/status/outage_log.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace etcdsync;
using namespace std::chrono_literals;
using replication::outage_log;

namespace {

const aio::clock::time_point start{100s};

}  // namespace

TEST_CASE("a cause that persists during an outage is logged, a transient one is not") {
    outage_log outage;
    outage.begin("s:1: the connection broke");
    CHECK_FALSE(outage.should_log("connect s:1: Connection refused", start));
    CHECK_FALSE(outage.should_log("connect s:1: Connection refused", start + 1s));
    CHECK_FALSE(outage.should_log("s:1: the certificate expired", start + 2s));
    CHECK_FALSE(outage.should_log("s:1: the certificate expired", start + 4s));
    CHECK(outage.should_log("s:1: the certificate expired", start + 5s));
    CHECK_FALSE(outage.should_log("s:1: the certificate expired", start + 1h));
}

TEST_CASE("alternating causes are logged once each, and causes that differ only in numbers are the same") {
    outage_log outage;
    outage.begin("s:1: the connection broke");
    int logged = 0;
    for (int i = 0; i < 100; ++i) {
        const auto now = start + i * 10s;
        logged += outage.should_log(fmt::format("connect s:{}: timed out after {} ms", i % 3, i), now) ? 1 : 0;
        logged += outage.should_log(fmt::format("connect s:{}: timed out after {} ms", i % 3, i), now + 4s) ? 1 : 0;
        logged += outage.should_log("connect s:1: Connection refused", now + 5s) ? 1 : 0;
        logged += outage.should_log("connect s:1: Connection refused", now + 9s) ? 1 : 0;
        logged += outage.should_log("s:2: the connection broke", now + 9s) ? 1 : 0;
    }
    CHECK(logged == 2);
    outage.begin("s:1: the connection broke");
    CHECK_FALSE(outage.should_log("connect s:1: Connection refused", start));
    CHECK(outage.should_log("connect s:1: Connection refused", start + 3s));
}

TEST_CASE("the number of logged causes is limited if a peer invents new ones") {
    outage_log outage;
    outage.begin("");
    int logged = 0;
    for (int i = 0; i < 100; ++i) {
        const std::string cause(static_cast<std::size_t>(i + 1), 'x');
        const auto now = start + i * 10s;
        static_cast<void>(outage.should_log(cause, now));
        logged += outage.should_log(cause, now + 5s) ? 1 : 0;
    }
    CHECK(logged >= 3);
    CHECK(logged < 10);
}
