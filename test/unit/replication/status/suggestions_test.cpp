// SPDX-License-Identifier: Apache-2.0
#include "replication/status/suggestions.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::replication;

TEST_CASE("the commands for a held link are complete, and name it") {
    const suggestions next = suggest_approval("etcd-sync -c '/etc/my file'", "edge-1", false);
    CHECK(next.preview == "etcd-sync -c '/etc/my file' sync -n --approve --slave edge-1");
    CHECK(next.approve == "etcd-sync -c '/etc/my file' sync --approve --slave edge-1");
    CHECK(suggest_approval("etcd-sync", "-x", true).approve == "etcd-sync sync --approve --foreign --slave=-x");
    CHECK(suggest_for_failure("etcd-sync -c f", "m:1: etcdserver: permission denied").check ==
          "etcd-sync -c f check-config --connect");
    CHECK(suggest_for_failure("etcd-sync -c f", "connection refused") == suggestions{});
}
