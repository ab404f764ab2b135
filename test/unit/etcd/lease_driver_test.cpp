// SPDX-License-Identifier: Apache-2.0
// Leases against an etcd in memory, whose clock the test sets.
#include "etcd/kv.hpp"
#include "etcd/lease.hpp"
#include "etcd/txn.hpp"
#include "etcd/watch.hpp"
#include "support/model_server.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace std::chrono_literals;

namespace {

struct rig {
    test::test_loop loop;
    test::memory_dialer dialer{loop.clock};
    test::model_etcd store;
    test::model_server server{loop, dialer, "http://m:1", store};
    std::shared_ptr<net::channel> channel = connect();
    etcd::kv kv{channel, loop.clock, 5s};
    etcd::leases leases{channel, loop.clock, 5s};

    std::shared_ptr<net::channel> connect() {
        const net::endpoint to{"http://m:1", "m", 1, nullptr, {}};
        auto stream = loop.run(dialer.dial(to, loop.clock.now() + 1s));
        REQUIRE(stream.has_value());
        return net::make_http2_channel(std::move(*stream), to, loop.clock, loop.tasks, {});
    }
    etcd::lease_id grant() {
        const auto granted = loop.run(leases.grant(10s));
        REQUIRE(granted.has_value());
        CHECK(granted->ttl == 10s);
        return granted->id;
    }
    etcd::result<etcd::txn_response> put(const std::string& key, etcd::lease_id lease) {
        const std::function<std::string()> encode = [&] { return etcd::encode_leased_put({key, 0, {}}, "v", lease); };
        auto done = loop.run(kv.txn(encode));
        loop.settle();
        return done;
    }
    [[nodiscard]] bool has(const std::string& key) const { return store.keys().count(key) > 0; }
};

}  // namespace

TEST_CASE("the keys of a lease that is not renewed are deleted, and a watch sees it") {
    rig r;
    const etcd::lease_id lease = r.grant();
    REQUIRE(r.put("a", lease).has_value());
    REQUIRE(r.put("b", lease).has_value());
    etcd::watch_query query;
    query.key = "a";
    query.range_end = "z";
    query.start_revision = r.store.revision() + 1;
    etcd::watch_stream watch(*r.channel, query);
    REQUIRE(r.loop.run(watch.next()).has_value());
    r.loop.clock.advance(9s);
    CHECK(r.has("a"));
    r.loop.clock.advance(2s);
    CHECK_FALSE(r.has("a"));
    CHECK_FALSE(r.has("b"));
    const auto seen = r.loop.run(watch.next());
    REQUIRE(seen.has_value());
    REQUIRE(seen->response.events.size() == 2);
    CHECK(seen->response.events[0].type == etcd::event_type::remove);
    CHECK(seen->response.events[0].kv.mod_revision == seen->response.events[1].kv.mod_revision);
}

TEST_CASE("a lease that is renewed lasts, without a revision of the store") {
    rig r;
    const etcd::lease_id lease = r.grant();
    REQUIRE(r.put("a", lease).has_value());
    const auto revision = r.store.revision();
    etcd::lease_renewal renewal(r.channel, r.loop.clock, 5s, lease);
    for (int i = 0; i < 10; ++i) {
        r.loop.clock.advance(6s);
        REQUIRE(r.loop.run(renewal.renew()).has_value());
    }
    CHECK(r.has("a"));
    CHECK(r.store.revision() == revision);
    r.server.expire_leases();
    const auto ended = r.loop.run(renewal.renew());
    REQUIRE(ended.has_error());
    CHECK(ended.error().cls == etcd::error_class::lease_not_found);
}

TEST_CASE("a revoked lease deletes its keys at once") {
    rig r;
    const etcd::lease_id lease = r.grant();
    REQUIRE(r.put("a", lease).has_value());
    REQUIRE(r.loop.run(r.leases.revoke(lease)).has_value());
    r.loop.settle();
    CHECK_FALSE(r.has("a"));
    CHECK(r.loop.run(r.leases.revoke(lease)).has_value());
}

TEST_CASE("a put with a lease that has ended is refused") {
    rig r;
    const etcd::lease_id lease = r.grant();
    r.loop.clock.advance(11s);
    const auto refused = r.put("a", lease);
    REQUIRE(refused.has_error());
    CHECK(refused.error().cls == etcd::error_class::lease_not_found);
    CHECK_FALSE(r.has("a"));
}

TEST_CASE("a key that is put with another lease no longer ends with the first one") {
    rig r;
    const etcd::lease_id first = r.grant();
    const etcd::lease_id second = r.grant();
    REQUIRE(r.put("a", first).has_value());
    const std::int64_t written = r.store.revision();
    const std::function<std::string()> encode = [&] {
        return etcd::encode_leased_put({"a", written, "v"}, "w", second);
    };
    const auto taken = r.loop.run(r.kv.txn(encode));
    REQUIRE(taken.has_value());
    CHECK(taken->succeeded);
    REQUIRE(r.loop.run(r.leases.revoke(first)).has_value());
    r.loop.settle();
    CHECK(r.has("a"));
    CHECK(r.store.lease_of("a") == second);
}

TEST_CASE("a full store refuses new leases, and still renews old ones") {
    rig r;
    const etcd::lease_id lease = r.grant();
    r.store.full = true;
    const auto refused = r.loop.run(r.leases.grant(10s));
    REQUIRE(refused.has_error());
    CHECK(refused.error().cls == etcd::error_class::no_space);
    etcd::lease_renewal renewal(r.channel, r.loop.clock, 5s, lease);
    CHECK(r.loop.run(renewal.renew()).has_value());
}
