// SPDX-License-Identifier: Apache-2.0
#include "net/call_deadline.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace std::chrono_literals;
using net::call_deadline;
using net::call_patience;
using net::call_progress;

namespace {

/// A call whose request has 100 kB, with 5 s of patience with silence and 10 s for the answer.
struct rig {
    rig() {
        now.size = 100'000;
        deadline.emplace(call_patience{5s, 10s}, start, now);
    }

    /// Looks every second. Returns after how many seconds the call ends; -1 if it lasts `at_most`.
    int seconds_until_end(int at_most) {
        for (int i = 0; i < at_most; ++i, ++second) {
            if (!deadline->check(start + std::chrono::seconds(second), now)) return second;
        }
        return -1;
    }
    /// The same, while `change` makes progress each second.
    template <class Change>
    int seconds_until_end(int at_most, Change change) {
        for (int i = 0; i < at_most; ++i, ++second) {
            change(now);
            if (!deadline->check(start + std::chrono::seconds(second), now)) return second;
        }
        return -1;
    }
    void take_request() {
        now.taken += 100'000;
        now.request_taken = true;
    }

    aio::clock::time_point start{1h};
    call_progress now;
    std::optional<call_deadline> deadline;
    int second = 1;
};

}  // namespace

TEST_CASE("a request that nobody takes ends the call after the silence") {
    rig r;
    CHECK(r.seconds_until_end(100) == 5);
}

TEST_CASE("bytes that the peer takes are progress") {
    rig r;
    CHECK(r.seconds_until_end(40, [](call_progress& now) { now.taken += 10; }) == -1);
    CHECK(r.seconds_until_end(100) == 45);
}

TEST_CASE("after the whole request was taken the answer has more time, and what others send is no progress") {
    rig r;
    CHECK(r.seconds_until_end(3) == -1);
    r.take_request();
    CHECK(r.seconds_until_end(100, [](call_progress& now) { now.taken += 10; }) == 14);
}

TEST_CASE("a request that was taken before the first look was taken at once") {
    rig r;
    r.take_request();
    r.second = 2;
    CHECK(r.seconds_until_end(100) == 10);
}

TEST_CASE("a peer that consumes bytes is alive, even if something between has taken all of them long ago") {
    rig r;
    r.take_request();
    CHECK(r.seconds_until_end(50, [](call_progress& now) { ++now.window_updates; }) == -1);
    CHECK(r.seconds_until_end(100) == 60);
}

TEST_CASE("once the response begins, it must go on") {
    rig r;
    r.take_request();
    CHECK(r.seconds_until_end(30, [](call_progress& now) { ++now.received; }) == -1);
    CHECK(r.seconds_until_end(100) == 35);
}

TEST_CASE("a peer that trickles bytes holds a call for a minute, and for the time its bytes take at 256 B/s") {
    rig r;
    r.take_request();
    r.now.size = 2'560;
    CHECK(r.seconds_until_end(1'000, [](call_progress& now) { ++now.received; }) == 70);
}

TEST_CASE("it is looked at again before it is due") {
    rig r;
    CHECK(r.deadline->first_check() == r.start + 1'250ms);
    CHECK(r.deadline->check(r.start + 1s, r.now) == r.start + 2'250ms);
    CHECK(r.deadline->check(r.start + 4s, r.now) == r.start + 5s);
}
