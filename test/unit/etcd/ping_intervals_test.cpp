// SPDX-License-Identifier: Apache-2.0
#include "etcd/ping_intervals.hpp"

#include "support/capture_sink.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace std::chrono_literals;

namespace {

struct rig {
    test::capture_sink lines;
    observe::logger log{lines, observe::log_level::info};
    etcd::ping_intervals intervals{log};
    net::endpoint a{"http://a:1", "a", 1, nullptr, {}};
    net::endpoint b{"http://b:1", "b", 1, nullptr, {}};
};

}  // namespace

TEST_CASE("each complaint about too many pings doubles the interval of that endpoint, up to 5 minutes") {
    rig r;
    CHECK(r.intervals.of(r.a, 10s) == 10s);
    for (const auto wanted : {20s, 40s, 80s, 160s, 300s, 300s}) {
        r.intervals.note_too_many(r.a, r.intervals.of(r.a, 10s));
        CHECK(r.intervals.of(r.a, 10s) == wanted);
    }
    CHECK(r.intervals.of(r.b, 10s) == 10s);
    CHECK(r.lines.lines.size() == 5);
    CHECK(r.lines.lines.front() ==
          "info an endpoint permits fewer pings; sending them less often endpoint=http://a:1 interval=20s");
}

TEST_CASE("connections that end together count as one complaint") {
    rig r;
    for (int i = 0; i < 10; ++i) r.intervals.note_too_many(r.a, 10s);
    CHECK(r.intervals.of(r.a, 10s) == 20s);
    CHECK(r.lines.lines.size() == 1);
}
