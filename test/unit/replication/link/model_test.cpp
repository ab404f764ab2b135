// SPDX-License-Identifier: Apache-2.0
// Compares the model of etcd that other tests use with measurements of etcd 3.4.23 (facts/etcd-wire.md, faults.md).
#include "etcd/kv.hpp"
#include "etcd/txn.hpp"
#include "etcd/watch.hpp"
#include "grpc/framing.hpp"
#include "net/http2_channel.hpp"
#include "support/model_server.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;
using test::model_etcd;
namespace pb = etcdserverpb;
using lines = std::vector<std::string>;

namespace {

/// The responses as text: "3 PUT a", "header 7", "more follows", one per line.
lines text_of(const std::vector<pb::WatchResponse>& all) {
    lines out;
    for (const pb::WatchResponse& each : all) {
        if (each.canceled()) out.push_back("compacted at " + std::to_string(each.compact_revision()));
        for (const pb::Event& event : each.events()) {
            out.push_back(std::to_string(event.kv().mod_revision()) +
                          (event.type() == pb::Event::PUT ? " PUT " : " DELETE ") + event.kv().key());
        }
        if (!each.canceled()) out.push_back("header " + std::to_string(each.header().revision()));
        if (each.fragment()) out.push_back("more follows");
    }
    return out;
}

lines watched(const model_etcd& store, std::int64_t from, bool behind = true) {
    model_etcd::watcher all{"a", "z", 1, from};
    return text_of(store.news(all, behind));
}

std::string refused(const model_etcd& store, std::int64_t at) {
    pb::RangeRequest asked;
    asked.set_key("a");
    asked.set_revision(at);
    pb::RangeResponse unused;
    const auto refusal = store.range(asked, unused);
    return refusal ? refusal->text : "";
}

}  // namespace

TEST_CASE("model: a new store is at revision 1; each write increments it, a delete of a missing key does not") {
    model_etcd store;
    CHECK(store.revision() == 1);
    CHECK(store.put("a", "1") == 2);
    CHECK(store.put("a", "2") == 3);
    CHECK(store.del("b") == 3);
    CHECK(store.del("a") == 4);
    CHECK(store.put("a", "3") == 5);
    CHECK(store.keys() == test::key_map{{"a", "3"}});
    CHECK(store.keys(3) == test::key_map{{"a", "2"}});
    CHECK(store.keys(4).empty());
    CHECK(watched(store, 2) == lines{"2 PUT a", "3 PUT a", "4 DELETE a", "5 PUT a", "header 5"});
}

TEST_CASE(
    "model: a Range is rejected below the compacted revision and above the current one, but not at the compacted one") {
    model_etcd store;
    for (int i = 0; i < 5; ++i) store.put("a", "v");
    store.compact(4);
    CHECK(refused(store, 3) == "etcdserver: mvcc: required revision has been compacted");
    CHECK(refused(store, 4).empty());
    CHECK(refused(store, 6).empty());
    CHECK(refused(store, 7) == "etcdserver: mvcc: required revision is a future revision");
}

TEST_CASE("model: a Range sorted by descending mod_revision returns the newest key first, and counts all keys") {
    model_etcd store;
    for (const char* key : {"a", "b", "c", "a", "z"}) store.put(key, "v");
    store.del("c");
    pb::RangeRequest asked;
    asked.set_key("a");
    asked.set_range_end("d");
    asked.set_limit(1);
    asked.set_sort_order(pb::RangeRequest::DESCEND);
    asked.set_sort_target(pb::RangeRequest::MOD);
    pb::RangeResponse answer;
    REQUIRE_FALSE(store.range(asked, answer).has_value());
    CHECK(answer.kvs(0).key() == "a");
    CHECK(answer.count() == 2);
    CHECK(answer.more());
}

TEST_CASE("model: a watch below the compacted revision is canceled; a watch at it silently misses its deletes") {
    model_etcd store;
    store.put("a", "1");  // 2
    store.put("b", "1");  // 3
    store.del("a");       // 4
    store.compact(4);
    store.put("c", "1");  // 5
    CHECK(watched(store, 3) == lines{"compacted at 4"});
    CHECK(watched(store, 4) == lines{"5 PUT c", "header 5"});
    // A watch that has caught up still receives them.
    CHECK(watched(store, 4, false) == lines{"4 DELETE a", "5 PUT c", "header 5"});
    store.compact(5);
    CHECK(watched(store, 5) == lines{"5 PUT c", "header 5"});
}

TEST_CASE(
    "model: a response to a watcher that is behind is cut between revisions, and its header runs ahead of its events") {
    model_etcd::settings how;
    how.watch_batch = 3;
    model_etcd store(how);
    for (int i = 0; i < 5; ++i) store.put("a", "v");
    model_etcd::watcher all{"a", "z", 1, 2};
    CHECK(text_of(store.news(all, true)) == lines{"2 PUT a", "3 PUT a", "4 PUT a", "header 6"});
    CHECK(text_of(store.news(all, true)) == lines{"5 PUT a", "6 PUT a", "header 6"});
    CHECK(text_of(store.news(all, true)).empty());
    CHECK(all.next == 7);
}

TEST_CASE("model: changes outside the range of a watch move it without a response") {
    model_etcd store;
    store.put("zz", "v");
    model_etcd::watcher all{"a", "z", 1, 2};
    CHECK(store.news(all, false).empty());
    CHECK(all.next == 3);
}

TEST_CASE("model: a fragment may end inside a revision") {
    model_etcd::settings how;
    how.fragment_events = 2;
    model_etcd store(how);
    for (const char* key : {"a", "b", "c"}) store.put(key, "v");
    store.del("a", "z");
    CHECK(watched(store, 4) ==
          lines{"4 PUT c", "5 DELETE a", "header 5", "more follows", "5 DELETE b", "5 DELETE c", "header 5"});
}

TEST_CASE("model: a Txn is one revision; it is rejected if it is too large or writes a key twice") {
    model_etcd::settings how;
    how.max_txn_ops = 4;
    how.max_request_bytes = 1000;
    model_etcd store(how);
    pb::TxnRequest txn;
    pb::TxnResponse answer;
    for (const char* key : {"a", "b"}) txn.add_success()->mutable_request_put()->set_key(key);
    pb::TxnRequest& inner = *txn.add_success()->mutable_request_txn();
    inner.add_success()->mutable_request_put()->set_key("c");
    CHECK_FALSE(store.txn(txn, answer).has_value());
    CHECK(answer.succeeded());
    CHECK(answer.header().revision() == 2);
    CHECK(watched(store, 2) == lines{"2 PUT a", "2 PUT b", "2 PUT c", "header 2"});
    inner.add_success()->mutable_request_put()->set_key("a");
    CHECK(store.txn(txn, answer)->text ==
          "etcdserver: too many operations in txn request");  // 1 left at the second level
    inner.mutable_success()->RemoveLast();
    inner.mutable_success(0)->mutable_request_put()->set_key("a");
    CHECK(store.txn(txn, answer)->text == "etcdserver: duplicate key given in txn request");
    inner.mutable_success(0)->mutable_request_put()->set_key("d");
    inner.mutable_success(0)->mutable_request_put()->set_value(std::string(1000, 'x'));
    CHECK(store.txn(txn, answer)->text == "etcdserver: request is too large");
    CHECK(store.revision() == 2);
}

TEST_CASE("model: as in etcd 3.2, a nested Txn is an operation without content, and a range is compared as one key") {
    model_etcd::settings how;
    how.like_3_2 = true;
    model_etcd store(how);
    store.put("b", "v");
    pb::TxnRequest txn;
    pb::TxnResponse answer;
    pb::Compare& none = *txn.add_compare();
    none.set_target(pb::Compare::CREATE);
    none.set_key("a");
    none.set_range_end("c");
    none.set_create_revision(0);
    txn.add_success()->mutable_request_put()->set_key("d");
    CHECK_FALSE(store.txn(txn, answer).has_value());
    CHECK(answer.succeeded());
    txn.add_success()->mutable_request_txn()->add_success()->mutable_request_put()->set_key("e");
    CHECK(store.txn(txn, answer)->text == "etcdserver: key not found");
    CHECK(store.revision() == 3);
}

TEST_CASE(
    "model: a guarded Txn of etcd-sync is applied only if the checkpoint is unchanged, and otherwise does nothing") {
    model_etcd store;
    const std::vector<etcd::operation> writes{{etcd::event_type::put, "a", "1"}};
    const auto sent = [&](const etcd::guard& before) {
        const std::string framed = etcd::encode_guarded_txn(before, writes, "record", 128);
        pb::TxnRequest txn;
        REQUIRE(txn.ParseFromString(framed.substr(grpc::prefix_size)));
        pb::TxnResponse answer;
        REQUIRE_FALSE(store.txn(txn, answer).has_value());
        return answer.succeeded();
    };
    CHECK_FALSE(sent({"cp", 2, "record"}));
    CHECK(store.revision() == 1);
    CHECK(sent({"cp", 0, ""}));
    CHECK(store.keys() == test::key_map{{"a", "1"}, {"cp", "record"}});
    CHECK_FALSE(sent({"cp", 0, ""}));
    CHECK_FALSE(sent({"cp", 2, "other"}));
    CHECK(sent({"cp", 2, "record"}));
    CHECK(store.revision() == 3);
}

namespace {

struct served {
    test::test_loop loop;
    test::memory_dialer dialer{loop.clock};
    model_etcd store;
    test::model_server server{loop, dialer, "http://m:1", store};
    std::shared_ptr<net::channel> channel = connect();

    std::shared_ptr<net::channel> connect() {
        const net::endpoint to{"http://m:1", "m", 1, nullptr, {}};
        auto stream = loop.run(dialer.dial(to, loop.clock.now() + 1s));
        REQUIRE(stream.has_value());
        return net::make_http2_channel(std::move(*stream), to, loop.clock, loop.tasks, {});
    }
    etcd::result<etcd::range_page> range() {
        etcd::range_query query;
        query.key = "a";
        query.range_end = "z";
        return loop.run(etcd::kv(channel, loop.clock, 5s).range(query), 1min);
    }
};

}  // namespace

TEST_CASE("model: our client works with it: ranges, watches that are behind or caught up, and progress") {
    served s;
    s.store.put("b", "1");
    s.store.put("c", "1");
    const auto page = s.range();
    REQUIRE(page.has_value());
    CHECK(page->kvs.size() == 2);
    CHECK(page->header.store_revision == 3);
    etcd::watch_query query;
    query.key = "a";
    query.range_end = "z";
    query.start_revision = 3;
    etcd::watch_stream watch(*s.channel, query);
    const auto next = [&] { return s.loop.run(watch.next(), 1min); };
    const auto created = next();
    REQUIRE(created.has_value());
    CHECK(created->what == etcd::watch_message::kind::created);
    CHECK(next()->response.events.at(0).kv.key == "c");
    s.store.put("d", "1");
    s.server.changed();
    CHECK(next()->response.events.at(0).kv.key == "d");
    s.store.put("zz", "1");
    s.server.notify_progress();
    const auto progress = next();
    CHECK(progress->what == etcd::watch_message::kind::progress);
    CHECK(progress->response.header.store_revision == 5);
}

TEST_CASE("model: each fault behaves as documented") {
    for (const test::fault what : test::every_fault) {
        served s;
        CAPTURE(test::to_string(what));
        s.server.script = [&](std::uint64_t number) { return number == 1 ? what : test::fault::none; };
        etcd::kv kv(s.channel, s.loop.clock, 5s);
        const std::vector<etcd::operation> writes{{etcd::event_type::put, "a", "1"}};
        const std::function<std::string()> encode = [&] {
            return etcd::encode_guarded_txn({"cp", 0, ""}, writes, "r", 128);
        };
        const auto done = s.loop.run(kv.txn(encode), 1min);
        CHECK(done.has_error());
        CHECK(done.error().cls == etcd::error_class::ambiguous);
        const bool applied = what == test::fault::cut_late || what == test::fault::lost_late;
        CHECK((s.store.revision() == 2) == applied);
        const bool broken = what == test::fault::cut || what == test::fault::cut_late;
        CHECK(s.channel->usable() == !broken);
        s.channel = s.connect();
        CHECK(s.range().has_value());
    }
}
