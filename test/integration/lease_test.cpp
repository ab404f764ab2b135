// SPDX-License-Identifier: Apache-2.0
// The client of the Lease service against a real etcd.
#include "etcd/lease.hpp"

#include "etcd/kv.hpp"
#include "etcd/txn.hpp"
#include "net/http2_channel.hpp"
#include "net/socket_dialer.hpp"
#include "support/etcd_client.hpp"
#include "support/processes.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <optional>
#include <thread>

using namespace etcdsync;
using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

class lease_user {
public:
    explicit lease_user(const etcd_server& of) {
        const net::endpoint to{of.plain_url(), "127.0.0.1", of.port(), nullptr, {}};
        auto stream = run(dialer_.dial(to, clock_.now() + 3s));
        REQUIRE(stream.has_value());
        channel = net::make_http2_channel(std::move(*stream), to, clock_, tasks_, {});
    }
    ~lease_user() {
        channel->close();
        channel.reset();
        tasks_.cancel();
        io_.restart();
        io_.run();
    }
    lease_user(const lease_user&) = delete;

    etcd::result<etcd::granted_lease> grant(std::chrono::seconds ttl) {
        etcd::leases all(channel, clock_, 5s);
        return run(all.grant(ttl));
    }
    etcd::result<void> revoke(etcd::lease_id lease) {
        etcd::leases all(channel, clock_, 5s);
        return run(all.revoke(lease));
    }
    etcd::result<std::chrono::seconds> renew(etcd::lease_renewal& of) { return run(of.renew()); }
    etcd::lease_renewal renewal(etcd::lease_id lease) { return {channel, clock_, 5s, lease}; }

    etcd::result<etcd::txn_response> put(const etcd::guard& before, std::string_view value, etcd::lease_id lease) {
        etcd::kv kv(channel, clock_, 5s);
        const std::function<std::string()> encode = [&] { return etcd::encode_leased_put(before, value, lease); };
        return run(kv.txn(encode));
    }

    std::shared_ptr<net::channel> channel;

private:
    template <class T>
    static aio::awaitable<> keep(aio::awaitable<T> body, std::optional<T>& out) {
        out.emplace(co_await std::move(body));
    }
    template <class T>
    T run(aio::awaitable<T> body) {
        std::optional<T> out;
        bool over = false;
        const auto done = [&over](const std::exception_ptr& thrown) {
            over = true;
            if (thrown) std::rethrow_exception(thrown);
        };
        boost::asio::co_spawn(io_, keep(std::move(body), out), done);
        io_.restart();
        while (!over) io_.run_one();
        return std::move(*out);
    }

    boost::asio::io_context io_{1};
    aio::system_clock clock_{io_.get_executor()};
    net::socket_dialer dialer_{clock_};
    aio::task_group tasks_{io_.get_executor(), [](const std::string& task, const std::exception_ptr& error) {
                               FAIL_CHECK(task << ": " << aio::describe(error));
                           }};
};

}  // namespace

TEST_CASE("a real etcd grants, renews, revokes and expires leases as the client expects") {
    etcd_server server;
    server.start();
    etcd_client observer(server.port());
    lease_user user(server);
    const auto lease = user.grant(2s);
    REQUIRE(lease.has_value());
    CHECK(lease->ttl >= 2s);
    const auto put = user.put({"k", 0, {}}, "v", lease->id);
    REQUIRE(put.has_value());
    CHECK(put->succeeded);
    const auto again = user.put({"k", 0, {}}, "w", lease->id);
    REQUIRE(again.has_value());
    CHECK_FALSE(again->succeeded);

    const std::int64_t revision = observer.revision();
    etcd::lease_renewal renewal = user.renewal(lease->id);
    for (int i = 0; i < 8; ++i) {
        const auto renewed = user.renew(renewal);
        REQUIRE(renewed.has_value());
        CHECK(*renewed == lease->ttl);
        std::this_thread::sleep_for(500ms);
    }
    CHECK(observer.range("k", {}).size() == 1);
    CHECK(observer.revision() == revision);

    SUBCASE("revoked") {
        REQUIRE(user.revoke(lease->id).has_value());
        CHECK(observer.range("k", {}).empty());
        CHECK(user.revoke(lease->id).has_value());
    }
    SUBCASE("expired") {
        CHECK(eventually([&] { return observer.range("k", {}).empty(); }, 20s));
    }
    CHECK(observer.revision() == revision + 1);
    const auto ended = user.renew(renewal);
    REQUIRE(ended.has_error());
    CHECK(ended.error().cls == etcd::error_class::lease_not_found);
    const auto late = user.put({"k", 0, {}}, "v", lease->id);
    REQUIRE(late.has_error());
    CHECK(late.error().cls == etcd::error_class::lease_not_found);
}
