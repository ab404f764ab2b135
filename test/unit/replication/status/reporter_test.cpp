// SPDX-License-Identifier: Apache-2.0
#include "replication/status/reporter.hpp"

#include "support/capture_sink.hpp"
#include "support/fake_clock.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace std::chrono_literals;
using replication::link_state;

namespace {

struct rig {
    test::test_loop loop;
    base::random_source random{1};
    test::capture_sink lines;
    observe::logger log{lines, observe::log_level::info};
    replication::context with{loop.clock, random, log, loop.tasks, 10s, "writer"};
    replication::reporter report{with, "edge", "", "http://s:1"};
};

}  // namespace

TEST_CASE("each outage is logged once, and a second time for a cause that persists") {
    rig r;
    for (int outage = 1; outage <= 2; ++outage) {
        CAPTURE(outage);
        r.report.enter(link_state::in_sync);
        r.report.disconnected("s:1: the server closed the connection", 250ms);
        for (int i = 0; i < 10; ++i) {
            r.report.disconnected("connect s:1: Connection refused", 2s);
            r.loop.clock.advance(2s);
        }
        CHECK(r.lines.count("warn disconnected; retrying slave=edge cause=s:1: the server closed") == outage);
        CHECK(r.lines.count("warn still disconnected; retrying slave=edge cause=connect s:1: Connection") == outage);
        CHECK(r.lines.lines.size() == static_cast<std::size_t>(3 * outage));
    }
}

TEST_CASE("a slave that rejects writes with alternating causes is logged once per cause") {
    rig r;
    r.report.enter(link_state::in_sync);
    for (int i = 0; i < 100; ++i) {
        const bool odd = i % 2 == 1;
        r.report.parked(odd ? "a: refused us; b: timed out" : "a: refused us; b: no route to host", 10s);
        r.loop.clock.advance(10s);
    }
    CHECK(r.lines.count("slave rejected the write; retrying slave=edge") == 1);
    r.report.parked("a: refused us; b: timed out", 10s);
    r.loop.clock.advance(10s);
    r.report.parked("a: refused us; b: timed out", 10s);
    CHECK(r.lines.count("slave rejected the write; retrying slave=edge cause=a: refused us; b: timed out") == 1);
    r.report.enter(link_state::full_sync, "one more try");
    r.report.parked("a: refused us; b: timed out", 10s);
    CHECK(r.lines.count("slave rejected the write; retrying slave=edge") == 2);
    r.report.enter(link_state::in_sync);
    r.report.parked("a: refused us; b: timed out", 10s);
    CHECK(r.lines.count("slave rejected the write; retrying slave=edge") == 3);
}
