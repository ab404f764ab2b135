// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/random.hpp"
#include "etcd/wire.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <rpc.pb.h>
#include <string>

namespace etcdsync::test {

namespace pb = etcdserverpb;

/// Builds messages as etcd might send them, extreme values included.
class message_maker {
public:
    explicit message_maker(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return random_.next() % limit; }
    bool flip() { return below(2) == 0; }

    std::int64_t number() {
        switch (below(5)) {
            case 0: return 0;
            case 1: return static_cast<std::int64_t>(below(300));
            case 2: return std::numeric_limits<std::int64_t>::max();
            case 3: return -static_cast<std::int64_t>(below(1000));
            default: return static_cast<std::int64_t>(random_.next() >> 2);
        }
    }

    std::string bytes(std::size_t max_size) {
        std::string out(below(max_size + 1), '\0');
        for (char& c : out) c = static_cast<char>(below(256));
        return out;
    }

    void fill(pb::ResponseHeader& out) {
        out.set_cluster_id(random_.next());
        out.set_member_id(below(3));
        out.set_revision(number());
        out.set_raft_term(below(100));
    }

    void fill(pb::KeyValue& out) {
        out.set_key(bytes(40));
        out.set_value(bytes(below(10) == 0 ? 1000 : 20));
        out.set_create_revision(number());
        out.set_mod_revision(number());
        out.set_version(number());
        out.set_lease(number());  // to be skipped
    }

    pb::RangeResponse range() {
        pb::RangeResponse out;
        if (flip()) fill(*out.mutable_header());
        for (std::uint64_t i = below(6); i > 0; --i) fill(*out.add_kvs());
        out.set_more(flip());
        out.set_count(number());
        return out;
    }

    pb::WatchResponse watch() {
        pb::WatchResponse out;
        if (flip()) fill(*out.mutable_header());
        out.set_watch_id(number());
        out.set_created(flip());
        out.set_canceled(flip());
        out.set_compact_revision(number());
        out.set_cancel_reason(flip() ? "" : "etcdserver: permission denied");
        out.set_fragment(flip());
        for (std::uint64_t i = below(6); i > 0; --i) {
            pb::Event& event = *out.add_events();
            event.set_type(flip() ? pb::Event::PUT : pb::Event::DELETE);
            if (below(10) != 0) fill(*event.mutable_kv());
            if (below(10) == 0) fill(*event.mutable_prev_kv());  // never requested
        }
        return out;
    }

    pb::TxnResponse txn() {
        pb::TxnResponse out;
        fill(*out.mutable_header());
        out.set_succeeded(flip());
        if (out.succeeded()) {
            for (std::uint64_t i = below(5); i > 0; --i) {
                pb::ResponseOp& op = *out.add_responses();
                if (flip())
                    fill(*op.mutable_response_put()->mutable_header());
                else
                    op.mutable_response_delete_range()->set_deleted(number());
            }
        } else {
            *out.add_responses()->mutable_response_range() = range();
        }
        return out;
    }

private:
    base::random_source random_;
};

inline void check_equal(const etcd::response_header& got, const pb::ResponseHeader& expected) {
    CHECK(got.cluster_id == expected.cluster_id());
    CHECK(got.member_id == expected.member_id());
    CHECK(got.store_revision == expected.revision());
    CHECK(got.raft_term == expected.raft_term());
}

inline void check_equal(const etcd::key_value& got, const pb::KeyValue& expected) {
    CHECK(got.key == expected.key());
    CHECK(got.value == expected.value());
    CHECK(got.create_revision == expected.create_revision());
    CHECK(got.mod_revision == expected.mod_revision());
    CHECK(got.version == expected.version());
}

}  // namespace etcdsync::test
