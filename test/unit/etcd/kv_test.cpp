// SPDX-License-Identifier: Apache-2.0
#include "etcd/kv.hpp"

#include "etcd/txn.hpp"
#include "grpc/framing.hpp"
#include "support/builders.hpp"
#include "support/scripted_peer.hpp"

#include <doctest/doctest.h>

#include <rpc.pb.h>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;
using test::encode_page;

namespace {

namespace pb = etcdserverpb;
using http2::stream_id;

struct rig : test::scripted_channel {
    etcd::kv kv{channel, loop.clock, 5s};
    std::string path;
    pb::RangeRequest asked;

    /// Answers each request with `message`.
    void answer_with(std::string message) {
        peer.server().on_end = [this, message = std::move(message)](stream_id id) {
            note(id);
            peer.reply(id, message);
        };
    }

    void note(stream_id id) {
        path = peer.server().request(id).value(":path");
        const auto messages = peer.messages(id);
        REQUIRE(messages.size() == 1);
        REQUIRE(asked.ParseFromString(messages[0]));
    }

    etcd::result<etcd::range_page> range(const etcd::range_query& query, aio::clock::duration patience = {}) {
        return loop.run(kv.range(query), patience);
    }
    etcd::result<etcd::txn_response> txn() {
        const std::function<std::string()> encode = [] {
            return etcd::encode_guarded_txn({"c", 1, "v"}, {}, "r", 128);
        };
        return loop.run(kv.txn(encode), 1min);
    }
};

etcd::range_query all() {
    etcd::range_query out;
    out.key = "a";
    out.range_end = "z";
    return out;
}

}  // namespace

TEST_CASE("a Range request has the fields of the query") {
    rig r;
    r.answer_with(encode_page({}));
    etcd::range_query query = all();
    query.limit = 17;
    query.at = 99;
    query.serializable = true;
    query.keys_only = true;
    REQUIRE(r.range(query).has_value());
    CHECK(r.path == "/etcdserverpb.KV/Range");
    CHECK(r.asked.key() == "a");
    CHECK(r.asked.range_end() == "z");
    CHECK(r.asked.limit() == 17);
    CHECK(r.asked.revision() == 99);
    CHECK(r.asked.serializable());
    CHECK(r.asked.keys_only());
    CHECK_FALSE(r.asked.count_only());
    CHECK(r.asked.sort_order() == pb::RangeRequest::NONE);  // any other order makes the server load all keys
}

TEST_CASE("the response to a Range is a page") {
    rig r;
    r.answer_with(encode_page({{"a", "1", 5}, {"b", std::string(100'000, 'x'), 6}}, true, 42));
    const auto page = r.range(all());
    REQUIRE(page.has_value());
    REQUIRE(page->kvs.size() == 2);
    CHECK(page->kvs[1].value.size() == 100'000);
    CHECK(page->more);
    CHECK(page->header.store_revision == 42);
}

TEST_CASE(
    "over the budget a page ends after the last complete key, the rest is not read, and the connection stays usable") {
    rig r;
    std::vector<test::built_key> kvs;
    for (int i = 0; i < 500; ++i) kvs.push_back({"k" + std::to_string(1000 + i), std::string(10'000, 'x'), 5});
    r.answer_with(encode_page(kvs));
    etcd::range_query query = all();
    query.byte_budget = 200'000;
    for (int round = 0; round < 20; ++round) {
        const auto page = r.range(query);
        REQUIRE(page.has_value());
        CHECK(page->more);
        CHECK(page->kvs.size() >= 19);
        CHECK(page->kvs.size() < 200);
        CHECK(page->kvs.back().key == kvs[page->kvs.size() - 1].key);
    }
    CHECK(r.wire.to_client->carried < 20 * 2'000'000);
    CHECK(r.kv.usable());
    r.answer_with(encode_page(kvs));
    const auto whole = r.range(all());
    REQUIRE(whole.has_value());
    CHECK(whole->kvs.size() == 500);
}

TEST_CASE("one value larger than the budget of a page is still read") {
    // etcd accepts 1.5 MiB by default, and more if configured. A full sync with pages of 1 MiB must
    // get past such a value.
    rig r;
    const std::vector<test::built_key> kvs{{"big", std::string(1'200'000, 'x'), 5}, {"next", "v", 5}};
    r.peer.server().on_end = [&](stream_id id) {
        r.note(id);
        r.peer.reply(id, r.asked.limit() == 1 ? encode_page({kvs[0]}, true) : encode_page(kvs));
    };
    etcd::range_query query = all();
    query.byte_budget = 1U << 20;
    const auto page = r.range(query);
    REQUIRE(page.has_value());
    CHECK(page->kvs.size() == 1);
    CHECK(page->kvs[0].value.size() == 1'200'000);
    CHECK(page->more);
}

TEST_CASE("a page that etcd would not send is an error of class bad_peer") {
    rig r;
    r.answer_with(encode_page({{"b", "1"}, {"a", "1"}}));
    const auto page = r.range(all());
    REQUIRE(page.has_error());
    CHECK(page.error().cls == etcd::error_class::bad_peer);
    CHECK(page.error().text.find("peer:2379") != std::string::npos);
}

TEST_CASE("a malformed response is an error of class bad_peer") {
    rig r;
    r.answer_with("\x12\x7f");
    CHECK(r.range(all()).error().cls == etcd::error_class::bad_peer);
}

TEST_CASE("an error of the server is returned with its class and the endpoint") {
    rig r;
    r.peer.server().on_end = [&](stream_id id) {
        r.peer.refuse(id, 11, "etcdserver: mvcc: required revision has been compacted");
    };
    const auto page = r.range(all());
    REQUIRE(page.has_error());
    CHECK(page.error().cls == etcd::error_class::compacted);
    CHECK(page.error().text == "peer:2379: etcdserver: mvcc: required revision has been compacted (OUT_OF_RANGE)");
    const auto txn = r.txn();
    CHECK(txn.error().cls == etcd::error_class::compacted);
}

TEST_CASE("no response, two responses, and a response followed by an error are errors") {
    rig r;
    r.peer.server().on_end = [&](stream_id id) {
        r.peer.begin(id);
        r.peer.finish(id);
    };
    CHECK(r.range(all()).error().cls == etcd::error_class::bad_peer);
    CHECK(r.txn().error().cls == etcd::error_class::bad_peer);
    r.peer.server().on_end = [&](stream_id id) {
        r.peer.begin(id);
        r.peer.message(id, encode_page({}));
        r.peer.message(id, encode_page({}));
        r.peer.finish(id);
    };
    CHECK(r.range(all()).error().cls == etcd::error_class::bad_peer);
    CHECK(r.txn().error().cls == etcd::error_class::bad_peer);
    r.peer.server().on_end = [&](stream_id id) {
        r.peer.begin(id);
        r.peer.message(id, encode_page({}));
        r.peer.finish(id, 14, "etcdserver: server stopped");
    };
    CHECK(r.range(all()).error().cls == etcd::error_class::ambiguous);
    CHECK(r.txn().error().cls == etcd::error_class::ambiguous);
}

TEST_CASE("what arrived of a page before the connection broke is a smaller page") {
    for (const bool reads_page : {true, false}) {
        CAPTURE(reads_page);
        rig r;
        std::vector<test::built_key> keys;
        for (int i = 0; i < 10; ++i) keys.push_back({"k" + std::to_string(i), std::string(1'000, 'v'), 1});
        r.peer.server().on_end = [&](stream_id id) {
            const std::string message = encode_page(keys);
            const std::string framed = grpc::frame(message);
            r.peer.begin(id);
            r.peer.server().data(id, framed.substr(0, framed.size() / 2));
            r.peer.flush();
        };
        r.loop.tasks.spawn("cut", [](rig& of) -> aio::awaitable<> {
            co_await aio::sleep(of.loop.clock, 1s);
            of.wire.cut();
        }(r));
        etcd::range_query query = all();
        query.limit = 10;
        if (reads_page) query.byte_budget = 1U << 20;
        const auto page = r.range(query, 10s);
        REQUIRE(page.has_value() == reads_page);
        if (!reads_page) continue;
        CHECK(page->more);
        CHECK(page->kvs.size() >= 4);
        CHECK(page->kvs.size() <= 5);
    }
}

TEST_CASE("a server that does not answer is given up after the timeout, and the outcome of a Txn is ambiguous") {
    rig r;
    const auto before = r.loop.clock.now();
    CHECK(r.txn().error().cls == etcd::error_class::ambiguous);
    CHECK(r.loop.clock.now() - before == 10s);
    CHECK(r.range(all(), 1min).error().cls == etcd::error_class::ambiguous);
    CHECK(r.loop.clock.now() - before == 20s);
}

TEST_CASE("a server that answers but never ends the call is given up after the timeout too") {
    rig r;
    r.peer.server().on_end = [&](stream_id id) {
        r.peer.begin(id);
        r.peer.message(id, encode_page({}));
    };
    CHECK(r.range(all(), 1min).error().cls == etcd::error_class::ambiguous);
    CHECK(r.txn().error().cls == etcd::error_class::ambiguous);
}

TEST_CASE("the outcome of a Txn is ambiguous after a broken connection, but not after a refused stream") {
    rig r;
    r.peer.server().on_end = [&](stream_id id) { r.peer.server().reset(id, http2::error_code::refused_stream); };
    CHECK(r.txn().error().cls == etcd::error_class::retry);
    r.peer.server().on_end = [&](stream_id) { r.wire.cut(); };
    CHECK(r.txn().error().cls == etcd::error_class::ambiguous);
    CHECK_FALSE(r.kv.usable());
    CHECK(r.txn().error().cls == etcd::error_class::retry);  // nothing was sent
}

TEST_CASE("an error of the stream names the endpoint too") {
    rig r;
    r.peer.server().on_end = [&](stream_id id) { r.peer.server().reset(id, http2::error_code::internal_error); };
    const auto reset = r.range(all());
    REQUIRE(reset.has_error());
    CAPTURE(reset.error().text);
    CHECK(reset.error().text.find("peer:2379") != std::string::npos);
    r.peer.server().on_end = [&](stream_id id) {
        r.peer.server().respond(id, {{":status", "404"}, {"content-type", "text/html"}}, true);
        r.peer.flush();
    };
    const auto page = r.range(all());
    REQUIRE(page.has_error());
    CHECK(page.error().text.find("peer:2379") != std::string::npos);
}

TEST_CASE("a Txn reports whether it succeeded") {
    rig r;
    pb::TxnResponse good;
    good.mutable_header()->set_revision(12);
    good.set_succeeded(true);
    good.add_responses()->mutable_response_put();
    r.peer.server().on_end = [&](stream_id id) { r.peer.reply(id, good.SerializeAsString()); };
    const auto done = r.txn();
    REQUIRE(done.has_value());
    CHECK(done->succeeded);
    CHECK(done->header.store_revision == 12);
    pb::TxnResponse bad;
    bad.mutable_header()->set_revision(13);
    r.peer.server().on_end = [&](stream_id id) { r.peer.reply(id, bad.SerializeAsString()); };
    const auto not_done = r.txn();
    REQUIRE(not_done.has_value());
    CHECK_FALSE(not_done->succeeded);
}

TEST_CASE("an absurdly large response to a Range without a budget, or to a Txn, is refused") {
    rig r;
    r.peer.server().on_end = [&](stream_id id) {
        r.peer.begin(id);
        r.peer.server().data(id, std::string("\0\x01\x00\x00\x01", 5) + std::string(100, 'x'));  // 16 MiB + 1
        r.peer.flush();
    };
    const auto page = r.range(all());
    REQUIRE(page.has_error());
    CHECK(page.error().text.find("more than the limit of 16777216") != std::string::npos);
    CHECK(r.txn().error().cls == etcd::error_class::ambiguous);  // its outcome is unknown
    CHECK(r.kv.usable());
}

TEST_CASE("a Txn response that reports success without results or revision is refused") {
    rig r;
    for (const int wrong : {0, 1, 2, 3}) {
        pb::TxnResponse answer;
        answer.mutable_header()->set_revision(wrong == 1 ? 0 : wrong == 2 ? -3 : 12);
        if (wrong == 3) answer.mutable_header()->set_revision(std::int64_t{1} << 60);
        answer.set_succeeded(true);
        if (wrong != 0) answer.add_responses()->mutable_response_put();
        r.peer.server().on_end = [&](stream_id id) { r.peer.reply(id, answer.SerializeAsString()); };
        const auto done = r.txn();
        REQUIRE(done.has_error());
        CHECK(done.error().cls == etcd::error_class::bad_peer);
    }
}

TEST_CASE("a response without values has a smaller limit than one with values") {
    rig r;
    r.peer.server().on_end = [&](stream_id id) {
        r.peer.begin(id);
        r.peer.server().data(id, std::string("\0\0\x40\0\x01", 5) + std::string(100, 'x'));  // 4 MiB + 1
        r.peer.flush();
    };
    for (int which = 0; which < 3; ++which) {
        etcd::range_query query = all();
        query.keys_only = which == 0;
        query.count_only = which == 1;
        if (which == 2) query.max_response = 1U << 20;
        const auto page = r.range(query);
        REQUIRE(page.has_error());
        CHECK(page.error().text.find("more than the limit of") != std::string::npos);
    }
    CHECK(r.txn().error().cls == etcd::error_class::ambiguous);
}
