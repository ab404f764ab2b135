// SPDX-License-Identifier: Apache-2.0
#include "etcd/maintenance.hpp"

#include <doctest/doctest.h>

#include <rpc.pb.h>
#include <string>

using namespace etcdsync;

TEST_CASE(
    "the size and the quota of a database are read; what is missing or negative is 0, what is malformed is nothing") {
    etcdserverpb::StatusResponse status;
    status.set_dbsize(1'000);
    const auto before_3_6 = etcd::decode_database_size(status.SerializeAsString());
    REQUIRE(before_3_6.has_value());
    CHECK(before_3_6->used == 1'000);
    CHECK(before_3_6->quota == 0);
    status.set_dbsizequota(2'000);
    CHECK(etcd::decode_database_size(status.SerializeAsString())->quota == 2'000);
    status.set_dbsize(-1);
    CHECK(etcd::decode_database_size(status.SerializeAsString())->used == 0);
    CHECK_FALSE(etcd::decode_database_size("\xff\xff").has_value());
    CHECK(etcd::decode_database_size(std::string())->quota == 0);
}
