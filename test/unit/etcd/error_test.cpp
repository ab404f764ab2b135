// SPDX-License-Identifier: Apache-2.0
#include "etcd/error.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync;
using etcd::error_class;

namespace {

struct error_text {
    std::string text;
    std::vector<int> codes;  ///< that servers of different versions send with it
    error_class expected;
};

error_class from_server(int code, const std::string& text) {
    return etcd::classify(grpc::status(static_cast<grpc::code>(code), text, grpc::origin::server));
}

error_class from_connection(grpc::code code, bool unprocessed = false) {
    return etcd::classify(grpc::status(code, "some text", grpc::origin::connection, unprocessed));
}

}  // namespace

TEST_CASE("errors of etcd are classified by their text, whatever the code (etcd-wire.md section 6)") {
    const std::vector<error_text> table{
        {"etcdserver: key is not provided", {3}, error_class::bad_request},
        {"etcdserver: value is provided", {3}, error_class::bad_request},
        {"etcdserver: lease is provided", {3}, error_class::bad_request},
        {"etcdserver: invalid sort option", {3}, error_class::bad_request},
        {"etcdserver: key not found", {3}, error_class::no_nesting},
        {"etcdserver: too many operations in txn request", {3, 2}, error_class::too_many_ops},
        {"etcdserver: duplicate key given in txn request", {3, 2}, error_class::bad_request},
        {"etcdserver: request is too large", {3, 2}, error_class::too_large},
        {"grpc: received message larger than max (2097172 vs. 2097152)", {8}, error_class::too_large},
        {"trying to send message larger than max (2097172 vs. 2097152)", {8}, error_class::too_large},
        {"etcdserver: mvcc: required revision has been compacted", {11, 2}, error_class::compacted},
        {"etcdserver: mvcc: required revision is a future revision", {11, 2}, error_class::future_revision},
        {"etcdserver: mvcc: database space exceeded", {8, 2}, error_class::no_space},
        {"etcdserver: too many requests", {2, 8}, error_class::retry},
        {"etcdserver: requested lease not found", {5}, error_class::lease_not_found},
        {"etcdserver: no leader", {14}, error_class::retry},
        {"etcdserver: leader changed", {14}, error_class::ambiguous},
        {"etcdserver: server stopped", {14}, error_class::ambiguous},
        {"etcdserver: request timed out", {14}, error_class::ambiguous},
        {"etcdserver: request timed out, possibly due to previous leader failure", {14}, error_class::ambiguous},
        {"etcdserver: request timed out, possibly due to connection lost", {14}, error_class::ambiguous},
        {"etcdserver: request timed out, waiting for the applied index took too long", {14}, error_class::ambiguous},
        {"raft proposal dropped", {2}, error_class::retry},
        {"etcdserver: corrupt cluster", {15}, error_class::denied},
        {"etcdserver: not capable", {14, 9}, error_class::retry},
        {"etcdserver: rpc not supported for learner", {14, 9}, error_class::retry},
        {"etcdserver: user name is empty", {3}, error_class::reauthenticate},
        {"auth: user name is empty", {2}, error_class::reauthenticate},
        {"etcdserver: invalid auth token", {16}, error_class::reauthenticate},
        {"etcdserver: revision of auth store is old", {3}, error_class::reauthenticate},
        {"auth: revision in header is old", {2}, error_class::reauthenticate},
        {"etcdserver: permission denied", {7}, error_class::denied},
        {"auth: permission denied", {2}, error_class::denied},
        {"etcdserver: authentication failed, invalid user ID or password", {3}, error_class::denied},
        {"etcdserver: authentication is not enabled", {9}, error_class::reauthenticate},
        {"unknown method Foo for service etcdserverpb.KV", {12}, error_class::unsupported},
        {"unknown service etcdserverpb.KV", {12}, error_class::unsupported},
        {"context deadline exceeded", {4, 2}, error_class::ambiguous},
        {"etcdserver: context deadline exceeded", {4, 2}, error_class::ambiguous},
        {"context canceled", {1, 2}, error_class::ambiguous},
        {"etcdserver: request canceled", {1, 2}, error_class::ambiguous},
        {"etcdserver: watch canceled", {1}, error_class::ambiguous},
        {"etcdserver: unhealthy cluster", {14}, error_class::ambiguous},
        {"transport is closing", {14}, error_class::ambiguous},
    };
    for (const error_text& row : table) {
        for (const int code : row.codes) {
            CAPTURE(row.text);
            CAPTURE(code);
            CHECK(etcd::to_string(from_server(code, row.text)) == etcd::to_string(row.expected));
        }
    }
}

TEST_CASE("an unknown text is classified by the code") {
    CHECK(from_server(16, "?") == error_class::reauthenticate);
    CHECK(from_server(7, "?") == error_class::denied);
    CHECK(from_server(12, "?") == error_class::unsupported);
    CHECK(from_server(3, "?") == error_class::bad_request);
    CHECK(from_server(14, "") == error_class::ambiguous);
    CHECK(from_server(2, "") == error_class::ambiguous);
    CHECK(from_server(4, "") == error_class::ambiguous);
}

TEST_CASE("no code alone means that nothing was done") {
    for (int code = 1; code <= 16; ++code) CHECK(from_server(code, "?") != error_class::retry);
}

TEST_CASE("a request that the server did not process may be sent again") {
    CHECK(from_connection(grpc::code::unavailable, true) == error_class::retry);
    CHECK(from_connection(grpc::code::cancelled, true) == error_class::retry);
    CHECK(from_connection(grpc::code::permission_denied, true) ==
          error_class::denied);  // TLS: our certificate was refused
}

TEST_CASE("after a broken connection it is unknown whether a write was done") {
    CHECK(from_connection(grpc::code::unavailable) == error_class::ambiguous);
    CHECK(from_connection(grpc::code::cancelled) == error_class::ambiguous);
    CHECK(from_connection(grpc::code::resource_exhausted) == error_class::ambiguous);
}

TEST_CASE("a peer that does not behave like etcd has a class of its own") {
    CHECK(from_connection(grpc::code::internal) == error_class::bad_peer);
    CHECK(from_connection(grpc::code::unimplemented) == error_class::unsupported);
    CHECK(from_connection(grpc::code::unauthenticated) == error_class::reauthenticate);
}

TEST_CASE("the text counts only if it comes from the server") {
    const grpc::status ours(grpc::code::deadline_exceeded, "etcdserver: mvcc: required revision has been compacted",
                            grpc::origin::deadline);
    CHECK(etcd::classify(ours) == error_class::ambiguous);
    const grpc::status cancelled(grpc::code::cancelled, "etcdserver: permission denied", grpc::origin::local);
    CHECK(etcd::classify(cancelled) == error_class::cancelled);
}

TEST_CASE("the reason of a canceled watch is classified inside Go's text of a status") {
    const std::vector<error_text> table{
        {"rpc error: code = PermissionDenied desc = etcdserver: permission denied", {}, error_class::denied},
        {"rpc error: code = Unauthenticated desc = etcdserver: invalid auth token", {}, error_class::reauthenticate},
        {"rpc error: code = InvalidArgument desc = etcdserver: revision of auth store is old",
         {},
         error_class::reauthenticate},
        {"rpc error: code = InvalidArgument desc = etcdserver: user name is empty", {}, error_class::reauthenticate},
        {"etcdserver: permission denied", {}, error_class::denied},
        {"mvcc: required revision has been compacted", {}, error_class::compacted},
        {"mvcc: duplicate watch ID provided on the WatchStream", {}, error_class::bad_request},
        {"mvcc: watcher range is empty", {}, error_class::bad_request},
        {"", {}, error_class::bad_request},
    };
    for (const error_text& row : table) {
        CAPTURE(row.text);
        CHECK(etcd::classify_cancel_reason(row.text) == row.expected);
    }
}

TEST_CASE("every class has a name") {
    for (int i = 0; i <= static_cast<int>(error_class::cancelled); ++i) {
        CHECK(etcd::to_string(static_cast<error_class>(i)) != "unknown");
    }
}
