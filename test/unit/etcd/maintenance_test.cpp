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
    const auto before_3_6 = etcd::decode_status(status.SerializeAsString());
    REQUIRE(before_3_6.has_value());
    CHECK(before_3_6->database.used == 1'000);
    CHECK(before_3_6->database.quota == 0);
    status.set_dbsizequota(2'000);
    CHECK(etcd::decode_status(status.SerializeAsString())->database.quota == 2'000);
    status.set_dbsize(-1);
    CHECK(etcd::decode_status(status.SerializeAsString())->database.used == 0);
    CHECK_FALSE(etcd::decode_status("\xff\xff").has_value());
    CHECK(etcd::decode_status(std::string())->database.quota == 0);
}

TEST_CASE("where a member is in its raft log is read with its own revision; an impossible revision is malformed") {
    etcdserverpb::StatusResponse status;
    status.mutable_header()->set_cluster_id(1);
    status.mutable_header()->set_member_id(2);
    status.mutable_header()->set_revision(40);
    status.set_raftindex(50);
    status.set_raftterm(3);
    const auto read = etcd::decode_status(status.SerializeAsString());
    REQUIRE(read.has_value());
    CHECK(read->header.cluster_id == 1);
    CHECK(read->header.member_id == 2);
    CHECK(read->header.store_revision == 40);
    CHECK(read->raft_index == 50);
    CHECK(read->raft_term == 3);
    status.mutable_header()->set_revision(-1);
    CHECK_FALSE(etcd::decode_status(status.SerializeAsString()).has_value());
}
