// SPDX-License-Identifier: Apache-2.0
// The errors that end the inspection of a slave. The integration tests cover the inspection itself.
#include "app/commands/inspector.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::app;
using etcd::error_class;

TEST_CASE("an error of one rule does not end the inspection of the others, but an unavailable peer does") {
    CHECK_FALSE(fails_for_all_rules({error_class::denied, "m:1: etcdserver: permission denied"}));
    CHECK_FALSE(fails_for_all_rules({error_class::compacted, "m:1: compacted"}));
    CHECK_FALSE(fails_for_all_rules({error_class::bad_peer, "m:1: no page"}));
    CHECK(fails_for_all_rules({error_class::denied, "m:1: etcdserver: authentication failed"}));
    CHECK(fails_for_all_rules({error_class::reauthenticate, "m:1: etcdserver: user name is empty"}));
    CHECK(fails_for_all_rules({error_class::retry, "connect m:1: refused"}));
    CHECK(fails_for_all_rules({error_class::ambiguous, "m:1: no answer in time"}));
    CHECK(fails_for_all_rules({error_class::cancelled, "interrupted"}));
}
