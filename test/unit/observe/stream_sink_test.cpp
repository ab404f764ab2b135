// SPDX-License-Identifier: Apache-2.0
#include "observe/stream_sink.hpp"

#include "unit/observe/pipe.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace std::chrono_literals;

namespace {

struct fixture {
    test::pipe err;
    observe::console console{err.writer()};
    std::chrono::system_clock::time_point now = std::chrono::system_clock::from_time_t(1767323045);
    observe::stream_sink sink{console, {.format = observe::log_format::logfmt}, [this] { return now; }};
    observe::logger log{sink, observe::log_level::info};
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "repeats are reported before the next other line, and at the end") {
    for (int i = 0; i < 3; ++i) log.warn("no answer", {{"slave", "edge-1"}});
    now += 2s;
    log.info("in sync");
    log.info("in sync");
    sink.flush();
    sink.flush();
    CHECK(err.drain() ==
          "time=2026-01-02T03:04:05.000Z level=warn msg=\"no answer\" slave=edge-1\n"
          "time=2026-01-02T03:04:07.000Z level=warn msg=\"last message repeated 2 times\"\n"
          "time=2026-01-02T03:04:07.000Z level=info msg=\"in sync\"\n"
          "time=2026-01-02T03:04:07.000Z level=info msg=\"last message repeated 1 time\"\n");
}

TEST_CASE_FIXTURE(fixture, "dropped lines are counted") {
    while (console.write(std::string(999, 'x') + "\n")) {}
    log.info("lost 1");
    log.info("lost 2");
    static_cast<void>(err.drain());
    log.info("back");
    log.info("on");
    CHECK(
        err.drain() ==
        "time=2026-01-02T03:04:05.000Z level=warn msg=\"log lines were dropped: the output was not writable\" lines=2\n"
        "time=2026-01-02T03:04:05.000Z level=info msg=back\n"
        "time=2026-01-02T03:04:05.000Z level=info msg=on\n");
}
