// SPDX-License-Identifier: Apache-2.0
#include "etcd/txn.hpp"

#include "grpc/framing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <rpc.pb.h>
#include <string>
#include <vector>

using namespace etcdsync;

namespace {

namespace pb = etcdserverpb;

/// As checkTxnRequest() of etcd (server/etcdserver/api/v3rpc/key.go) counts: the operations of one
/// level, and the limit that is left for its nested Txns. Returns the depth, or 0 if etcd would
/// refuse the request.
int accepted_depth(const pb::TxnRequest& txn, int limit) {
    const int ops = std::max({txn.compare_size(), txn.success_size(), txn.failure_size()});
    if (ops > limit) return 0;
    int deepest = 1;
    for (const auto* branch : {&txn.success(), &txn.failure()}) {
        for (const pb::RequestOp& op : *branch) {
            if (!op.has_request_txn()) continue;
            const int inner = accepted_depth(op.request_txn(), limit - ops);
            if (inner == 0) return 0;
            deepest = std::max(deepest, inner + 1);
        }
    }
    return deepest;
}

/// The writes of the success branch in the order in which etcd executes them.
void flatten(const pb::TxnRequest& txn, std::vector<const pb::RequestOp*>& out) {
    for (const pb::RequestOp& op : txn.success()) {
        if (op.has_request_txn())
            flatten(op.request_txn(), out);
        else
            out.push_back(&op);
    }
}

pb::TxnRequest unpacked(const std::string& framed) {
    REQUIRE(framed.size() >= grpc::prefix_size);
    std::string prefix(grpc::prefix_size, '\0');
    grpc::write_prefix(prefix, framed.size() - grpc::prefix_size);
    CHECK(framed.substr(0, grpc::prefix_size) == prefix);
    pb::TxnRequest out;
    REQUIRE(out.ParseFromString(framed.substr(grpc::prefix_size)));
    return out;
}

/// Various writes: short and long keys, empty values, deletes.
struct many_writes {
    explicit many_writes(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::string& key =
                texts.emplace_back("key-" + std::to_string(i) + std::string(i % 7 == 0 ? i % 300 : 0, 'k'));
            const std::string& value = texts.emplace_back(i % 5 == 0 ? 0 : i % 200, static_cast<char>('a' + i % 26));
            if (i % 11 == 3)
                writes.push_back({etcd::event_type::remove, key, value});
            else
                writes.push_back({etcd::event_type::put, key, value});
        }
    }
    std::deque<std::string> texts;
    std::vector<etcd::operation> writes;
};

void check_encoding(std::size_t count, unsigned max_ops) {
    CAPTURE(count);
    CAPTURE(max_ops);
    const many_writes from(count);
    const std::string key = "/.etcd-sync/it";
    const pb::TxnRequest txn = unpacked(etcd::encode_guarded_txn({key, 42, "old"}, from.writes, "new", max_ops));
    const int depth = accepted_depth(txn, static_cast<int>(max_ops));
    CHECK(depth >= 1);
    CHECK(depth <= 3);
    if (count < max_ops) CHECK(depth == 1);
    std::vector<const pb::RequestOp*> ops;
    flatten(txn, ops);
    REQUIRE(ops.size() == count + 1);
    bool same = true;
    for (std::size_t i = 0; i < count; ++i) {
        const etcd::operation& expected = from.writes[i];
        if (expected.type == etcd::event_type::put) {
            const pb::PutRequest& got = ops[i]->request_put();
            same = same && ops[i]->has_request_put() && got.key() == expected.key && got.value() == expected.value &&
                   got.lease() == 0;
        } else {
            const pb::DeleteRangeRequest& got = ops[i]->request_delete_range();
            same = same && ops[i]->has_request_delete_range() && got.key() == expected.key && got.range_end().empty();
        }
    }
    CHECK(same);
    CHECK(ops.back()->request_put().key() == key);
    CHECK(ops.back()->request_put().value() == "new");
}

}  // namespace

TEST_CASE("all writes are encoded in order, then the checkpoint, and every level is within the limit of etcd") {
    for (const std::size_t count : {0U, 1U, 2U, 63U, 126U, 127U, 128U, 129U, 500U, 4031U, 4032U, 4033U, 5000U, 16'000U})
        check_encoding(count, 128);
    check_encoding(etcd::txn_capacity(128), 128);
}

TEST_CASE("smaller and larger limits of a server are respected too") {
    for (const unsigned max_ops : {2U, 3U, 4U, 5U, 6U, 7U, 8U, 10U, 16U, 32U, 64U}) {
        const std::size_t most = etcd::txn_capacity(max_ops);
        for (std::size_t count = 0; count <= std::min<std::size_t>(most, 60); ++count) check_encoding(count, max_ops);
        if (most > 60) check_encoding(most / 2, max_ops);
        check_encoding(most, max_ops);
    }
    check_encoding(3000, 1000);
    check_encoding(10'000, 10'000);
}

TEST_CASE("a manifest is put beside the checkpoint wherever there is room, within the limit of etcd") {
    for (const unsigned max_ops : {2U, 3U, 8U, 16U, 128U}) {
        for (const std::size_t count :
             {std::size_t{0}, std::size_t{max_ops - 2}, std::size_t{max_ops - 1}, std::size_t{max_ops},
              etcd::txn_capacity(max_ops - 1), etcd::txn_capacity(max_ops)}) {
            if (!etcd::has_room_for_manifest(count, max_ops)) continue;
            CAPTURE(count);
            CAPTURE(max_ops);
            const many_writes from(count);
            const etcd::operation manifest{etcd::event_type::put, "c:manifest", "m"};
            const pb::TxnRequest txn =
                unpacked(etcd::encode_guarded_txn({"c", 42, "old"}, from.writes, "new", max_ops, {}, manifest));
            CHECK(accepted_depth(txn, static_cast<int>(max_ops)) >= 1);
            std::vector<const pb::RequestOp*> ops;
            flatten(txn, ops);
            REQUIRE(ops.size() == count + 2);
            CHECK(ops[count]->request_put().key() == "c");
            CHECK(ops[count + 1]->request_put().key() == "c:manifest");
            CHECK(ops[count + 1]->request_put().value() == "m");
        }
    }
    CHECK(etcd::has_room_for_manifest(0, 2));
    CHECK(etcd::has_room_for_manifest(126, 128));
    CHECK_FALSE(etcd::has_room_for_manifest(127, 128));  // fits only without it, or with more nesting
    CHECK(etcd::has_room_for_manifest(128, 128));
    CHECK_FALSE(etcd::has_room_for_manifest(etcd::txn_capacity(128), 128));
}

TEST_CASE("the capacity is that of three levels, and never less than that of one") {
    CHECK(etcd::txn_capacity(128) >= 63 * 64);
    CHECK(etcd::txn_capacity(128) >= 16'000);
    std::size_t before = 0;
    for (unsigned max_ops = 2; max_ops < 300; ++max_ops) {
        const std::size_t most = etcd::txn_capacity(max_ops);
        CHECK(most >= max_ops - 1);
        CHECK(most >= before);
        before = most;
    }
}

TEST_CASE("with the default limit, two levels are enough for 4,032 writes") {
    for (const std::size_t count : {128U, 4032U}) {
        const many_writes from(count);
        CHECK(accepted_depth(unpacked(etcd::encode_guarded_txn({"c", 1, "v"}, from.writes, "r", 128)), 128) == 2);
    }
    const many_writes more(4033);
    CHECK(accepted_depth(unpacked(etcd::encode_guarded_txn({"c", 1, "v"}, more.writes, "r", 128)), 128) == 3);
}

TEST_CASE("a checkpoint that exists is compared by its revision and by its bytes") {
    const pb::TxnRequest txn =
        unpacked(etcd::encode_guarded_txn({"c", 77, std::string_view("a\0\xff", 3)}, {}, "r", 128));
    REQUIRE(txn.compare_size() == 2);
    for (const pb::Compare& compare : txn.compare()) {
        CHECK(compare.result() == pb::Compare::EQUAL);
        CHECK(compare.key() == "c");
        CHECK(compare.range_end().empty());
    }
    CHECK(txn.compare(0).target() == pb::Compare::MOD);
    CHECK(txn.compare(0).mod_revision() == 77);
    CHECK(txn.compare(1).target() == pb::Compare::VALUE);
    CHECK(txn.compare(1).target_union_case() == pb::Compare::kValue);
    CHECK(txn.compare(1).value() == std::string("a\0\xff", 3));
}

TEST_CASE("an empty checkpoint is compared as empty") {
    const pb::TxnRequest txn = unpacked(etcd::encode_guarded_txn({"c", 5, ""}, {}, "", 128));
    REQUIRE(txn.compare_size() == 2);
    CHECK(txn.compare(1).target_union_case() == pb::Compare::kValue);
    CHECK(txn.compare(1).value().empty());
    REQUIRE(txn.success_size() == 1);
    CHECK(txn.success(0).request_put().value().empty());
}

TEST_CASE("a checkpoint that must not exist is compared by its create revision") {
    const pb::TxnRequest txn = unpacked(etcd::encode_guarded_txn({"c", 0, "ignored"}, {}, "r", 128));
    REQUIRE(txn.compare_size() == 1);
    CHECK(txn.compare(0).result() == pb::Compare::EQUAL);
    CHECK(txn.compare(0).target() == pb::Compare::CREATE);
    CHECK(txn.compare(0).target_union_case() == pb::Compare::kCreateRevision);
    CHECK(txn.compare(0).create_revision() == 0);
}

TEST_CASE("an empty interval is compared by a create revision that no key has") {
    const etcd::absent_condition absent{"d/", "d0"};
    const pb::TxnRequest txn = unpacked(etcd::encode_guarded_txn({"c", 3, "v"}, {}, "r", 128, absent));
    REQUIRE(txn.compare_size() == 3);
    const pb::Compare& compare = txn.compare(2);
    CHECK(compare.result() == pb::Compare::EQUAL);
    CHECK(compare.target() == pb::Compare::CREATE);
    CHECK(compare.target_union_case() == pb::Compare::kCreateRevision);
    CHECK(compare.create_revision() == 0);
    CHECK(compare.key() == "d/");
    CHECK(compare.range_end() == "d0");
}

TEST_CASE("a conditional Txn compares the newest change, a sample, and the key that must not exist") {
    const many_writes from(300);
    const etcd::unmodified_since since{"d/", "d0", 41, "d/a", "seen"};
    const pb::TxnRequest txn = unpacked(etcd::encode_conditional_txn(since, "d", from.writes, 128));
    REQUIRE(txn.compare_size() == 3);
    CHECK(txn.compare(0).result() == pb::Compare::LESS);
    CHECK(txn.compare(0).target() == pb::Compare::MOD);
    CHECK(txn.compare(0).mod_revision() == 42);
    CHECK(txn.compare(0).key() == "d/");
    CHECK(txn.compare(0).range_end() == "d0");
    CHECK(txn.compare(1).result() == pb::Compare::EQUAL);
    CHECK(txn.compare(1).target() == pb::Compare::VALUE);
    CHECK(txn.compare(1).key() == "d/a");
    CHECK(txn.compare(1).value() == "seen");
    CHECK(txn.compare(2).target() == pb::Compare::CREATE);
    CHECK(txn.compare(2).create_revision() == 0);
    CHECK(txn.compare(2).key() == "d");
    CHECK(accepted_depth(txn, 128) == 2);
    std::vector<const pb::RequestOp*> ops;
    flatten(txn, ops);
    CHECK(ops.size() == 300);
    CHECK(unpacked(etcd::encode_conditional_txn(since, "", from.writes, 128)).compare_size() == 2);
}

TEST_CASE("a permission probe requests a write under a condition that is never true") {
    const pb::TxnRequest txn = unpacked(etcd::encode_permission_probe("c", {etcd::event_type::remove, "d/", {}, "d0"}));
    REQUIRE(txn.compare_size() == 1);
    const pb::Compare& compare = txn.compare(0);
    CHECK(compare.key() == "c");
    CHECK(compare.target() == pb::Compare::CREATE);
    CHECK(compare.result() == pb::Compare::GREATER);
    CHECK(compare.create_revision() == std::int64_t{1} << 62);
    REQUIRE(txn.success_size() == 1);
    CHECK(txn.success(0).request_delete_range().key() == "d/");
    CHECK(txn.success(0).request_delete_range().range_end() == "d0");
    CHECK(txn.failure_size() == 0);
}

TEST_CASE("if the guard fails, nothing is done") {
    const pb::TxnRequest txn =
        unpacked(etcd::encode_guarded_txn({"the/record", 3, "v"}, many_writes(300).writes, "r", 128));
    CHECK(txn.compare_size() == 2);
    CHECK(txn.failure_size() == 0);
}

TEST_CASE("revisions of every size are encoded") {
    for (int bit = 0; bit < 62; ++bit) {
        const etcd::revision rev = etcd::revision{1} << bit;
        const pb::TxnRequest txn = unpacked(etcd::encode_guarded_txn({"c", rev, "v"}, {}, "r", 128));
        CHECK(txn.compare(0).mod_revision() == rev);
    }
}

TEST_CASE("keys and values at the sizes at which a length takes one more byte are encoded") {
    for (const std::size_t size :
         {1U, 110U, 120U, 123U, 124U, 125U, 126U, 127U, 128U, 129U, 16'370U, 16'383U, 16'384U, 16'385U, 2'097'152U}) {
        const std::string key(size, 'k');
        const std::string value(size, 'v');
        const std::string other = key + "x";
        const std::vector<etcd::operation> writes{{etcd::event_type::put, key, value},
                                                  {etcd::event_type::remove, other, {}}};
        const std::string record(size, 'r');
        const pb::TxnRequest txn = unpacked(etcd::encode_guarded_txn({"c", 1, record}, writes, record, 128));
        REQUIRE(txn.success_size() == 3);
        CHECK(txn.success(0).request_put().key() == key);
        CHECK(txn.success(0).request_put().value() == value);
        CHECK(txn.success(2).request_put().value() == record);
        CHECK(txn.compare(1).value() == record);
    }
}

TEST_CASE("the size of an operation is the number of bytes it adds to a request") {
    const std::string empty = etcd::encode_guarded_txn({"c", 1, "v"}, {}, "r", 128);
    for (const std::size_t size : {0U, 1U, 100U, 127U, 128U, 20'000U}) {
        const std::string value(size, 'v');
        for (const auto type : {etcd::event_type::put, etcd::event_type::remove}) {
            const std::vector<etcd::operation> writes{{type, "the key", value}};
            const std::string with = etcd::encode_guarded_txn({"c", 1, "v"}, writes, "r", 128);
            CHECK(with.size() - empty.size() == writes[0].encoded_size());
        }
    }
}
