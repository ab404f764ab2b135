// SPDX-License-Identifier: Apache-2.0
#include "etcd/authenticator.hpp"

#include "etcd/kv.hpp"
#include "etcd/watch.hpp"
#include "support/builders.hpp"
#include "support/scripted_peer.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <rpc.pb.h>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;

namespace {

namespace pb = etcdserverpb;
using http2::stream_id;

/// A server with users. It issues the tokens "token-1", "token-2", ... and accepts only the last
/// one.
struct server_with_users : test::scripted_channel {
    server_with_users() {
        peer.server().on_end = [this](stream_id id) { answer(id); };
        peer.server().on_body = [this](stream_id id, std::string_view) {
            if (peer.server().request(id).value(":path") == "/etcdserverpb.Watch/Watch") watch(id);
        };
    }

    void answer(stream_id id) {
        const auto& request = peer.server().request(id);
        if (request.value(":path") == "/etcdserverpb.Auth/Authenticate") return log_in(id);
        tokens_seen.push_back(request.value("token"));
        if (request.value("token") != valid) return peer.refuse(id, 16, "etcdserver: invalid auth token");
        peer.reply(id, test::encode_page({}));
    }

    void log_in(stream_id id) {
        ++logins;
        pb::AuthenticateRequest asked;
        REQUIRE(asked.ParseFromString(peer.messages(id).at(0)));
        CHECK(asked.name() == "replicator");
        if (!enabled) return peer.refuse(id, 9, "etcdserver: authentication is not enabled");
        if (asked.password() != password)
            return peer.refuse(id, 3, "etcdserver: authentication failed, invalid user ID or password");
        if (given.empty()) valid = "token-" + std::to_string(logins);
        pb::AuthenticateResponse response;
        response.set_token(given.empty() ? valid : given);
        peer.reply(id, response.SerializeAsString());
    }

    void watch(stream_id id) {
        const bool good = peer.server().request(id).value("token") == valid;
        pb::WatchResponse response;
        response.set_created(true);
        if (!good) {
            response.set_canceled(true);
            response.set_watch_id(-1);
            response.set_cancel_reason("rpc error: code = Unauthenticated desc = etcdserver: invalid auth token");
        }
        peer.begin(id);
        peer.message(id, response.SerializeAsString());
    }

    std::shared_ptr<etcd::authenticator> user() {
        etcd::credentials who;
        who.user = "replicator";
        who.read_password = [this]() -> base::result<std::string> {
            if (configured.empty()) return base::error("the password file /p cannot be read: No such file");
            return base::result<std::string>(boost::system::in_place_value, configured);
        };
        return std::make_shared<etcd::authenticator>(std::move(who), loop.clock, loop.executor());
    }

    etcd::result<void> log_in(etcd::authenticator& as) { return loop.run(as.log_in(*channel, 5s), 1min); }

    std::string configured = "secret";
    std::string password = "secret";
    std::string valid;
    std::string given;  ///< instead of a valid token
    bool enabled = true;
    int logins = 0;
    std::vector<std::string> tokens_seen;
};

etcd::range_query one_key() {
    etcd::range_query out;
    out.key = "k";
    return out;
}

}  // namespace

TEST_CASE("calls carry the token of the user, which is requested once") {
    server_with_users r;
    const auto as = r.user();
    REQUIRE(r.log_in(*as).has_value());
    REQUIRE(r.log_in(*as).has_value());
    CHECK(r.logins == 1);
    etcd::kv kv(etcd::make_authenticated_channel(r.channel, as, 5s), r.loop.clock, 5s);
    CHECK(r.loop.run(kv.range(one_key())).has_value());
    CHECK(r.tokens_seen == std::vector<std::string>{"token-1"});
}

TEST_CASE("a token that is no longer valid is replaced within the call") {
    server_with_users r;
    const auto as = r.user();
    REQUIRE(r.log_in(*as).has_value());
    etcd::kv kv(etcd::make_authenticated_channel(r.channel, as, 5s), r.loop.clock, 5s);
    r.valid = "forgotten";
    CHECK(r.loop.run(kv.range(one_key())).has_value());
    CHECK(r.tokens_seen == std::vector<std::string>{"token-1", "token-2"});
    SUBCASE("if the new token is refused too, the call fails instead of looping") {
        r.given = "refused";
        r.valid = "another";
        const auto page = r.loop.run(kv.range(one_key()));
        REQUIRE(page.has_error());
        CHECK(page.error().cls == etcd::error_class::reauthenticate);
        CHECK(r.logins == 3);
    }
}

TEST_CASE("a watch that is refused because of its token is created again with a new one") {
    server_with_users r;
    const auto as = r.user();
    REQUIRE(r.log_in(*as).has_value());
    const auto channel = etcd::make_authenticated_channel(r.channel, as, 5s);
    r.valid = "forgotten";
    etcd::watch_query query;
    query.key = "k";
    etcd::watch_stream watch(*channel, query);
    const auto message = r.loop.run(watch.next());
    REQUIRE(message.has_value());
    CHECK(message->what == etcd::watch_message::kind::created);
    CHECK(r.logins == 2);
}

TEST_CASE("many calls that are refused at the same time request one token") {
    server_with_users r;
    const auto as = r.user();
    REQUIRE(r.log_in(*as).has_value());
    r.valid = "forgotten";
    int good = 0;
    const auto ask = [](server_with_users& at, std::shared_ptr<etcd::authenticator> by,
                        int& count) -> aio::awaitable<> {
        const auto renewed = co_await by->renew(*at.channel, 1, 5s);
        if (renewed && by->token() == "token-2") ++count;
    };
    for (int i = 0; i < 5; ++i) r.loop.tasks.spawn("ask", ask(r, as, good));
    r.loop.settle();
    CHECK(good == 5);
    CHECK(r.logins == 2);
}

TEST_CASE("a cluster without authentication is used without a token until it is enabled") {
    server_with_users r;
    r.enabled = false;
    const auto as = r.user();
    REQUIRE(r.log_in(*as).has_value());
    CHECK(as->token().empty());
    etcd::kv kv(etcd::make_authenticated_channel(r.channel, as, 5s), r.loop.clock, 5s);
    CHECK(r.loop.run(kv.range(one_key())).has_value());
    r.enabled = true;
    r.valid = "held by no user";
    CHECK(r.loop.run(kv.range(one_key())).has_value());
    CHECK(r.tokens_seen.back() == "token-2");
    // And back: etcd before 3.4.28 refuses tokens while authentication is disabled (etcd-wire.md
    // section 6).
    r.enabled = false;
    r.valid = "";
    CHECK(r.loop.run(kv.range(one_key())).has_value());
    CHECK(r.tokens_seen.back().empty());
}

TEST_CASE(
    "a wrong password is an error of class denied that names the user, and the next log-in reads the password again") {
    server_with_users r;
    r.configured = "wrong";
    const auto as = r.user();
    const auto refused = r.log_in(*as);
    REQUIRE(refused.has_error());
    CHECK(refused.error().cls == etcd::error_class::denied);
    CHECK(refused.error().text.find("authentication failed") != std::string::npos);
    CHECK(refused.error().text.find("(user \"replicator\")") != std::string::npos);
    CHECK(refused.error().text.find("wrong") == std::string::npos);
    r.configured = "secret";
    CHECK(r.log_in(*as).has_value());
}

TEST_CASE("an unreadable password is an error without a request to the server") {
    server_with_users r;
    r.configured.clear();
    const auto as = r.user();
    const auto refused = r.log_in(*as);
    REQUIRE(refused.has_error());
    CHECK(refused.error().cls == etcd::error_class::denied);
    CHECK(refused.error().text == "the password file /p cannot be read: No such file (user \"replicator\")");
    CHECK(r.logins == 0);
    CHECK(as->refused());
    r.configured = "secret";
    CHECK(r.log_in(*as).has_value());
    CHECK_FALSE(as->refused());
}

TEST_CASE("user and password do not count as refused before the response arrives") {
    server_with_users r;
    const auto as = r.user();
    r.peer.server().on_end = nullptr;  // silent
    const auto ask = [](server_with_users& at, std::shared_ptr<etcd::authenticator> by) -> aio::awaitable<> {
        static_cast<void>(co_await by->log_in(*at.channel, 5s));
    };
    r.loop.tasks.spawn("ask", ask(r, as));
    r.loop.settle();
    CHECK_FALSE(as->refused());
    r.loop.clock.advance(11s);
    CHECK_FALSE(as->refused());
}

TEST_CASE("a token that could inject headers, or is too long, is not used") {
    for (const std::string& evil : {std::string("a\r\nx: y"), std::string("a\0b", 3), std::string(8193, 'a'),
                                    std::string("a b"), std::string("\x7f")}) {
        CHECK_FALSE(etcd::is_token(evil));
        server_with_users r;
        r.given = evil;
        const auto as = r.user();
        const auto refused = r.log_in(*as);
        REQUIRE(refused.has_error());
        CHECK(refused.error().cls == etcd::error_class::bad_peer);
        CHECK(as->token().empty());
    }
    CHECK_FALSE(etcd::is_token(""));
    CHECK(etcd::is_token("QfNABCdefghijklm.42"));
    CHECK(etcd::is_token("eyJhbGciOi.eyJ1c2Vy-_.sig~"));
}
