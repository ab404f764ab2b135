// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/manifest_schedule.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

struct rig {
    rig() {
        now.writer = "w";
        now.rules = "r";
        now.spans = {{{"/a/", "/a0"}, 0}};
        now.anchors = {{"/a/1", 1, 1, 1, "d", 5}};
    }
    void write(std::size_t bytes) {
        now.manifest_id = "id";
        schedule.committed(now, bytes, at);
    }
    void write_positions(int n) {
        for (int i = 0; i < n; ++i) schedule.committed(now, 0, at);
    }
    void move_anchors() { ++now.anchors[0].seen_at; }
    [[nodiscard]] bool is_due() const { return schedule.is_due(now, at); }

    manifest_schedule schedule;
    checkpoint now;
    aio::clock::time_point at{1h};
};

}  // namespace

TEST_CASE("the first commit writes the manifest") {
    rig r;
    CHECK(r.schedule.is_lost());
    CHECK(r.is_due());
    r.write(1000);
    CHECK_FALSE(r.schedule.is_lost());
    CHECK(r.schedule.id() == "id");
    CHECK_FALSE(r.is_due());
}

TEST_CASE("a checkpoint of version 0.1 has no manifest, so the claim writes one") {
    rig r;
    r.schedule.found(r.now, r.at);
    CHECK(r.is_due());
}

TEST_CASE("other rules, spans, another master or pass, and an orderly end write the manifest at once") {
    rig r;
    r.write(1'000'000);
    SUBCASE("rules") { r.now.rules = "other"; }
    SUBCASE("spans") { r.now.spans[0].since = 7; }
    SUBCASE("master") { r.now.cluster_id = 7; }
    SUBCASE("pass") { r.now.pass = sync_pass::count; }
    SUBCASE("end") { r.now.writer.clear(); }
    CHECK(r.is_due());
}

TEST_CASE("newer anchors are written once a minute at most, and only after enough positions") {
    rig r;
    r.write(3200);
    r.move_anchors();
    r.write_positions(1000);
    CHECK_FALSE(r.is_due());
    r.at += anchors_interval;
    CHECK(r.is_due());
    r.write(3200);
    r.move_anchors();
    r.at += 10 * anchors_interval;
    r.write_positions(99);
    CHECK_FALSE(r.is_due());
    r.write_positions(1);
    CHECK(r.is_due());
}

TEST_CASE("the first anchors are written at once, further ones not") {
    rig r;
    const anchor_list some = std::exchange(r.now.anchors, {});
    r.write(1000);
    CHECK_FALSE(r.is_due());
    r.now.anchors = some;
    CHECK(r.is_due());
    r.write(1000);
    r.now.anchors.push_back({"/a/2", 6, 6, 1, "d", 6});
    CHECK_FALSE(r.is_due());
    r.now.anchors.clear();  // deleted on the master
    CHECK_FALSE(r.is_due());
}

TEST_CASE("as long as the anchors do not move, time alone writes no manifest") {
    rig r;
    r.write(1);
    r.write_positions(1000);
    r.at += 24h;
    CHECK_FALSE(r.is_due());
}

TEST_CASE("a manifest that is lost is written with the next commit") {
    rig r;
    r.write(1000);
    r.schedule.lose();
    CHECK(r.schedule.is_lost());
    CHECK(r.is_due());
}

TEST_CASE("the identity of a manifest has 8 hexadecimal digits, and is another one each time") {
    base::random_source random(1);
    const std::string one = new_manifest_id(random);
    CHECK(one.size() == 8);
    CHECK(one.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(one != new_manifest_id(random));
}

TEST_CASE("a manifest of other rules, spans or of another pass must be written, also if one was put off a moment ago") {
    rig r;
    r.write(1000);
    CHECK_FALSE(r.schedule.is_required(r.now));
    r.schedule.postpone(r.at);
    checkpoint next = r.now;
    SUBCASE("rules") { next.rules = "other"; }
    SUBCASE("spans") { next.spans.clear(); }
    SUBCASE("master") { next.cluster_id = 5; }
    SUBCASE("pass") { next.pass = sync_pass::repair; }
    CHECK(r.schedule.is_required(next));
    CHECK(r.schedule.is_due(next, r.at));
}

TEST_CASE("a manifest that did not fit is put off for a while, but not beyond what is found on the slave again") {
    rig r;
    r.now.anchors.clear();
    r.write(1000);
    r.now.anchors = {{"/a/1", 1, 1, 1, "d", 5}};
    CHECK(r.is_due());
    r.schedule.postpone(r.at);
    CHECK_FALSE(r.is_due());
    r.at += 2min;
    CHECK(r.is_due());
    r.schedule.postpone(r.at);
    checkpoint found = r.now;
    found.anchors.clear();
    r.schedule.found(found, r.at);
    CHECK(r.is_due());
}
