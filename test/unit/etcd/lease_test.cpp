// SPDX-License-Identifier: Apache-2.0
#include "etcd/lease.hpp"

#include "etcd/txn.hpp"
#include "grpc/framing.hpp"
#include "support/scripted_peer.hpp"

#include <doctest/doctest.h>

#include <rpc.pb.h>
#include <string>

using namespace etcdsync;
using namespace std::chrono_literals;

namespace {

namespace pb = etcdserverpb;
using http2::stream_id;

std::string renewed(etcd::lease_id id, std::int64_t ttl) {
    pb::LeaseKeepAliveResponse out;
    out.set_id(id);
    out.set_ttl(ttl);
    return out.SerializeAsString();
}

struct rig : test::scripted_channel {
    etcd::leases leases{channel, loop.clock, 5s};
    etcd::lease_renewal renewal{channel, loop.clock, 5s, 7};
    std::string path;
    std::string asked;

    void answer_with(std::string message) {
        peer.server().on_end = [this, message = std::move(message)](stream_id id) {
            note(id);
            peer.reply(id, message);
        };
    }
    void refuse_with(int code, std::string text) {
        peer.server().on_end = [this, code, text = std::move(text)](stream_id id) {
            note(id);
            peer.refuse(id, code, text);
        };
    }
    /// Answers each message of a LeaseKeepAlive stream.
    void renew_with(std::int64_t ttl, etcd::lease_id id_in_answer = 7) {
        peer.server().on_body = [this, ttl, id_in_answer](stream_id id, std::string_view) {
            const auto messages = peer.messages(id);
            if (messages.size() == 1) peer.begin(id);
            note(id);
            peer.message(id, renewed(id_in_answer, ttl));
        };
    }
    void note(stream_id id) {
        path = peer.server().request(id).value(":path");
        asked = peer.messages(id).back();
    }
};

template <class T>
etcd::error_class failure(const etcd::result<T>& of) {
    REQUIRE(of.has_error());
    return of.error().cls;
}

}  // namespace

TEST_CASE("a lease is granted with the TTL that the server chose") {
    rig r;
    pb::LeaseGrantResponse answer;
    answer.set_id(42);
    answer.set_ttl(75);
    r.answer_with(answer.SerializeAsString());
    const auto granted = r.loop.run(r.leases.grant(10s));
    REQUIRE(granted.has_value());
    CHECK(granted->id == 42);
    CHECK(granted->ttl == 75s);
    CHECK(r.path == "/etcdserverpb.Lease/LeaseGrant");
    pb::LeaseGrantRequest request;
    REQUIRE(request.ParseFromString(r.asked));
    CHECK(request.ttl() == 10);
    CHECK(request.id() == 0);
}

TEST_CASE("a response to LeaseGrant without id, or with an impossible TTL, is refused") {
    for (const auto& [id, ttl] : {std::pair{0, 10}, {1, 0}, {1, -1}}) {
        rig r;
        pb::LeaseGrantResponse answer;
        answer.set_id(id);
        answer.set_ttl(ttl);
        r.answer_with(answer.SerializeAsString());
        CHECK(failure(r.loop.run(r.leases.grant(10s))) == etcd::error_class::bad_peer);
    }
}

TEST_CASE("the errors of LeaseGrant keep their class") {
    rig r;
    r.refuse_with(8, "etcdserver: mvcc: database space exceeded");
    CHECK(failure(r.loop.run(r.leases.grant(10s))) == etcd::error_class::no_space);
    r.refuse_with(7, "etcdserver: permission denied");
    CHECK(failure(r.loop.run(r.leases.grant(10s))) == etcd::error_class::denied);
    r.refuse_with(12, "unknown service etcdserverpb.Lease");
    CHECK(failure(r.loop.run(r.leases.grant(10s))) == etcd::error_class::unsupported);
}

TEST_CASE("a call of the Lease service that is not answered ends after the time limit") {
    rig r;
    CHECK(failure(r.loop.run(r.leases.grant(10s), 1min)) == etcd::error_class::ambiguous);
    CHECK(failure(r.loop.run(r.leases.revoke(7), 1min)) == etcd::error_class::ambiguous);
    CHECK(failure(r.loop.run(r.renewal.renew(), 1min)) == etcd::error_class::ambiguous);
}

TEST_CASE("to revoke a lease that has ended is no error") {
    rig r;
    r.refuse_with(5, "etcdserver: requested lease not found");
    CHECK(r.loop.run(r.leases.revoke(7)).has_value());
    CHECK(r.path == "/etcdserverpb.Lease/LeaseRevoke");
    pb::LeaseRevokeRequest request;
    REQUIRE(request.ParseFromString(r.asked));
    CHECK(request.id() == 7);
    r.refuse_with(7, "etcdserver: permission denied");
    CHECK(failure(r.loop.run(r.leases.revoke(7))) == etcd::error_class::denied);
}

TEST_CASE("all renewals of a lease go over one stream") {
    rig r;
    r.renew_with(10);
    for (int i = 0; i < 3; ++i) {
        const auto ttl = r.loop.run(r.renewal.renew());
        REQUIRE(ttl.has_value());
        CHECK(*ttl == 10s);
    }
    CHECK(r.path == "/etcdserverpb.Lease/LeaseKeepAlive");
    CHECK(r.peer.server().requests().size() == 1);
    pb::LeaseKeepAliveRequest request;
    REQUIRE(request.ParseFromString(r.asked));
    CHECK(request.id() == 7);
}

TEST_CASE("a renewal that reports no TTL means that the lease has ended") {
    rig r;
    r.renew_with(0);
    CHECK(failure(r.loop.run(r.renewal.renew())) == etcd::error_class::lease_not_found);
}

TEST_CASE("a renewal of another lease, or one of a million years, is refused") {
    rig r;
    r.renew_with(10, 8);
    CHECK(failure(r.loop.run(r.renewal.renew())) == etcd::error_class::bad_peer);
    r.renew_with(std::int64_t{1} << 45);
    CHECK(failure(r.loop.run(r.renewal.renew())) == etcd::error_class::bad_peer);
}

TEST_CASE("after a failed renewal the next one opens a new stream") {
    rig r;
    r.peer.server().on_body = [&r](stream_id id, std::string_view) { r.peer.refuse(id, 14, "etcdserver: no leader"); };
    CHECK(failure(r.loop.run(r.renewal.renew())) == etcd::error_class::retry);
    r.renew_with(10);
    CHECK(r.loop.run(r.renewal.renew()).has_value());
    CHECK(r.peer.server().requests().size() == 2);
}

TEST_CASE("a put with a lease is guarded, and encoded as etcd expects it") {
    const auto parse = [](const std::string& framed) {
        pb::TxnRequest txn;
        REQUIRE(txn.ParseFromString(framed.substr(grpc::prefix_size)));
        return txn;
    };
    const pb::TxnRequest first = parse(etcd::encode_leased_put({"k", 0, {}}, "v", std::int64_t{1} << 62));
    REQUIRE(first.compare_size() == 1);
    CHECK(first.compare(0).target() == pb::Compare::CREATE);
    CHECK(first.compare(0).key() == "k");
    CHECK(first.compare(0).create_revision() == 0);
    REQUIRE(first.success_size() == 1);
    CHECK(first.success(0).request_put().key() == "k");
    CHECK(first.success(0).request_put().value() == "v");
    CHECK(first.success(0).request_put().lease() == std::int64_t{1} << 62);
    CHECK(first.failure_size() == 0);

    const pb::TxnRequest next = parse(etcd::encode_leased_put({"k", 9, "before"}, "v", 1));
    REQUIRE(next.compare_size() == 2);
    CHECK(next.compare(0).mod_revision() == 9);
    CHECK(next.compare(1).value() == "before");
    CHECK(next.success(0).request_put().lease() == 1);
}
