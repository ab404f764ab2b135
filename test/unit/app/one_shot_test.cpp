// SPDX-License-Identifier: Apache-2.0
#include "app/commands/one_shot.hpp"

#include "app/daemon/master_timeout.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::app;
using namespace std::chrono_literals;

namespace {

config::config with_slaves(const std::vector<std::string>& names) {
    config::config out;
    for (const std::string& name : names) {
        config::slave slave;
        slave.name = name;
        out.slaves.push_back(slave);
    }
    return out;
}

std::vector<std::string> chosen(const config::config& settings, const std::vector<std::string>& names) {
    const auto slaves = choose_slaves(settings, names);
    if (!slaves) return {slaves.error().text};
    std::vector<std::string> out;
    for (const config::slave& slave : *slaves) out.push_back(slave.name);
    return out;
}

using names = std::vector<std::string>;

replication::master_status unreachable(etcd::error_class failure = etcd::error_class::retry) {
    replication::master_status out;
    out.cause = "connect m:1: refused";
    out.failure = failure;
    return out;
}

}  // namespace

TEST_CASE("slaves are selected by name, each once, in the order of the configuration; without names all are") {
    const config::config settings = with_slaves({"edge-1", "edge-2", "other"});
    CHECK(chosen(settings, {}) == names{"edge-1", "edge-2", "other"});
    CHECK(chosen(settings, {"other", "edge-1", "other"}) == names{"edge-1", "other"});
    CHECK(chosen(settings, {"edge-1", "egde-2"}) ==
          names{"--slave: the configuration has no slave \"egde-2\"; did you mean \"edge-2\"?"});
    CHECK(chosen(settings, {"\x1b[1m"}) == names{"--slave: the configuration has no slave \"\\x1b[1m\""});
}

TEST_CASE("a command waits a few seconds for an unreachable master, and longer if it was reachable before") {
    const auto start = aio::clock::time_point{} + 1h;
    replication::master_status silent;  // no attempt has failed yet
    replication::master_status there;
    there.connected = true;
    master_timeout timeout(start);
    CHECK_FALSE(timeout.expired(silent, start + 1min));
    CHECK_FALSE(timeout.expired(unreachable(), start + 3s));
    CHECK(timeout.expired(unreachable(), start + 4s));

    CHECK_FALSE(timeout.expired(there, start + 5s));
    CHECK_FALSE(timeout.expired(unreachable(), start + 34s));
    CHECK_FALSE(timeout.expired(there, start + 34s));
    CHECK_FALSE(timeout.expired(unreachable(), start + 60s));
    CHECK(timeout.expired(unreachable(), start + 64s));
}

TEST_CASE(
    "a command does not wait for a master that is not an etcd, and a denial does not end it, as it may be for one "
    "rule") {
    const auto start = aio::clock::time_point{} + 1h;
    CHECK_FALSE(master_timeout(start).expired(unreachable(etcd::error_class::denied), start + 1h));
    CHECK(master_timeout(start).expired(unreachable(etcd::error_class::bad_peer), start));
    CHECK_FALSE(master_timeout(start).expired(unreachable(etcd::error_class::ambiguous), start));
}
