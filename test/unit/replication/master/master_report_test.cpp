// SPDX-License-Identifier: Apache-2.0
#include "replication/master/master_report.hpp"

#include "support/capture_sink.hpp"
#include "support/fake_clock.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;
using etcd::error_class;

namespace {

struct rig {
    explicit rig(std::string rule = {}, bool once = false)
        : with{loop.clock, random, logger, loop.tasks, 10s, "writer", once},
          report(with, "http://m:1,http://m:2", rule) {}

    void fail(error_class why, std::string text) { report.failed({why, std::move(text)}, {"/a/", "/a0"}, 2s); }
    [[nodiscard]] std::string last() const { return lines.lines.empty() ? "" : lines.lines.back(); }

    test::test_loop loop;
    base::random_source random{1};
    test::capture_sink lines;
    observe::logger logger{lines, observe::log_level::debug};
    context with;
    master_report report;
};

}  // namespace

TEST_CASE("initially the master is not connected, and the endpoints are the configured ones") {
    const rig r;
    CHECK_FALSE(r.report.status().connected);
    CHECK(r.report.status().endpoint == "http://m:1,http://m:2");
    CHECK(r.report.status().since == r.loop.clock.now());
    CHECK(r.lines.lines.empty());
}

TEST_CASE("a connection is logged once, even if the endpoint changes without an outage") {
    rig r;
    r.report.connected("http://m:1", 7);
    CHECK(r.last() == "info connected to the master endpoint=http://m:1 revision=7");
    const auto since = r.report.status().since;
    r.loop.clock.advance(1s);
    r.report.connected("http://m:2", 8);
    CHECK(r.lines.lines.size() == 1);
    CHECK(r.report.status().endpoint == "http://m:2");
    CHECK(r.report.status().since == since);
}

TEST_CASE("an outage is logged once, and again only if a cause persists") {
    rig r;
    r.report.connected("http://m:1", 7);
    r.fail(error_class::retry, "the server closed the connection");
    CHECK(r.last() == "warn the master is not reachable; retrying cause=the server closed the connection retry_in=2s");
    CHECK_FALSE(r.report.status().connected);
    CHECK(r.report.status().cause == "the server closed the connection");
    const auto since = r.report.status().since;
    for (int i = 0; i < 10; ++i) {
        r.loop.clock.advance(2s);
        r.fail(error_class::retry, "connection refused");
    }
    CHECK(r.lines.count("warn the master is still not reachable; retrying cause=connection refused retry_in=2s") == 1);
    CHECK(r.lines.count("debug retry failed endpoint=http://m:1 cause=connection refused") == 9);
    CHECK(r.report.status().since == since);
    r.report.connected("http://m:1", 8);
    CHECK(r.report.status().cause.empty());
}

TEST_CASE("a denial is logged as a separate outage, and names the keys that were read") {
    rig r;
    r.report.connected("http://m:1", 7);
    r.fail(error_class::retry, "connection refused");
    r.fail(error_class::denied, "wrong password");
    CHECK(r.last() == "warn the master denies access; retrying cause=wrong password retry_in=2s");
    CHECK(r.report.status().failure == error_class::denied);
    r.fail(error_class::reauthenticate, "wrong password");
    CHECK(r.last().starts_with("debug retry failed"));
    r.fail(error_class::retry, "connection refused");
    CHECK(r.last().starts_with("warn the master is not reachable"));
    r.fail(error_class::denied, "m: etcdserver: permission denied");
    CHECK(r.last().find("it takes read from \"/a/\" to before \"/a0\"") != std::string::npos);
}

TEST_CASE("a lost history is logged once until the watch makes progress") {
    rig r;
    r.report.connected("http://m:1", 7);
    r.fail(error_class::compacted, "compacted at 9");
    CHECK(r.last() == "warn the master compacted revisions that were not received yet cause=compacted at 9");
    CHECK_FALSE(r.report.status().connected);
    CHECK(r.report.status().cause.empty());
    r.fail(error_class::compacted, "compacted at 10");
    CHECK(r.last() == "warn the master is not reachable; retrying cause=compacted at 10 retry_in=2s");
    r.report.connected("http://m:1", 12);
    r.report.progressed();
    r.fail(error_class::other_history, "E differs");
    CHECK(r.last() == "warn master history has diverged cause=E differs");
}

TEST_CASE("every watch violation is counted and logged, and is also reported as a failure") {
    rig r;
    r.report.connected("http://m:1", 7);
    r.fail(error_class::watch_violation, "out of order");
    r.fail(error_class::watch_violation, "out of order");
    CHECK(r.report.status().violations == 2);
    CHECK(r.lines.count("warn watch protocol violation; comparing every slave cause=out of order times=1") == 1);
    CHECK(r.lines.count("warn watch protocol violation; comparing every slave cause=out of order times=2") == 1);
    CHECK(r.lines.count("the master is not reachable") == 1);
}

TEST_CASE("another cluster and an older revision are logged; a log that starts is not") {
    const rig r;
    r.report.history_changed(history_change::not_continued, 7, 9);
    r.report.history_changed(history_change::none, 7, 9);
    CHECK(r.lines.lines.empty());
    r.report.history_changed(history_change::other_cluster, 7, 9);
    CHECK(r.last() == "warn the master is another cluster now known=7 revision=9");
    r.report.history_changed(history_change::went_backwards, 7, 5);
    CHECK(r.last() == "warn master revision went backwards known=7 revision=5");
}

TEST_CASE("a watch that drops 90% of its events causes one warning, after enough events") {
    rig r;
    r.report.count_events(9'999, 9'999);
    r.report.count_events(10'000, 8'999);
    CHECK(r.lines.lines.empty());
    r.report.count_events(10'000, 9'000);
    r.report.count_events(20'000, 19'000);
    REQUIRE(r.lines.lines.size() == 1);
    CHECK(r.last() == "warn 90% of the watched events match no rule seen=10000 dropped=9000");
}

TEST_CASE("the feed of one rule logs the name of the rule, and a one-shot job does not retry") {
    rig r("conf", true);
    r.fail(error_class::retry, "connection refused");
    CHECK(r.last() == "warn the master is not reachable rule=conf cause=connection refused retry_in=2s");
    r.report.failed_back("http://m:1");
    CHECK(r.last() == "info failed back to a preferred endpoint of the master rule=conf endpoint=http://m:1");
}
