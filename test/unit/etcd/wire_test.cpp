// SPDX-License-Identifier: Apache-2.0
#include "etcd/wire.hpp"

#include "unit/etcd/message_maker.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <rpc.pb.h>
#include <string>
#include <string_view>
#include <vector>

using namespace etcdsync;
using test::check_equal;
using test::message_maker;

namespace {

namespace pb = etcdserverpb;

bool is_inside(std::string_view view, const base::shared_buffer& owner) {
    return view.empty() || (view.data() >= owner->data() && view.data() + view.size() <= owner->data() + owner->size());
}

/// Checks that any bytes are decoded without a crash, and that every view is inside the message.
void decode_all(const std::string& bytes) {
    for (const auto& page : {etcd::decode_range(bytes), etcd::decode_range_part(bytes)}) {
        if (!page) continue;
        for (const etcd::key_value& kv : page->kvs) {
            REQUIRE(is_inside(kv.key, page->owner));
            REQUIRE(is_inside(kv.value, page->owner));
        }
    }
    if (const auto watch = etcd::decode_watch(bytes)) {
        for (const etcd::event& event : watch->events) {
            REQUIRE(is_inside(event.kv.key, watch->owner));
            REQUIRE(is_inside(event.kv.value, watch->owner));
        }
    }
}

}  // namespace

TEST_CASE("a RangeResponse is decoded as protobuf decodes it") {
    message_maker make(1);
    for (int round = 0; round < 300; ++round) {
        const pb::RangeResponse expected = make.range();
        const auto got = etcd::decode_range(expected.SerializeAsString());
        REQUIRE(got.has_value());
        check_equal(got->header, expected.header());
        REQUIRE(got->kvs.size() == static_cast<std::size_t>(expected.kvs_size()));
        for (int i = 0; i < expected.kvs_size(); ++i)
            check_equal(got->kvs[static_cast<std::size_t>(i)], expected.kvs(i));
        CHECK(got->more == expected.more());
        CHECK(got->count == expected.count());
    }
}

TEST_CASE("a WatchResponse is decoded as protobuf decodes it") {
    message_maker make(2);
    for (int round = 0; round < 300; ++round) {
        const pb::WatchResponse expected = make.watch();
        const auto got = etcd::decode_watch(expected.SerializeAsString());
        REQUIRE(got.has_value());
        check_equal(got->header, expected.header());
        CHECK(got->watch_id == expected.watch_id());
        CHECK(got->created == expected.created());
        CHECK(got->canceled == expected.canceled());
        CHECK(got->compact_revision == expected.compact_revision());
        CHECK(got->cancel_reason == expected.cancel_reason());
        CHECK(got->fragment == expected.fragment());
        REQUIRE(got->events.size() == static_cast<std::size_t>(expected.events_size()));
        for (int i = 0; i < expected.events_size(); ++i) {
            const etcd::event& event = got->events[static_cast<std::size_t>(i)];
            CHECK((event.type == etcd::event_type::put) == (expected.events(i).type() == pb::Event::PUT));
            check_equal(event.kv, expected.events(i).kv());
        }
    }
}

TEST_CASE("a TxnResponse is decoded as protobuf decodes it, whatever its responses are") {
    message_maker make(3);
    for (int round = 0; round < 300; ++round) {
        const pb::TxnResponse expected = make.txn();
        const auto got = etcd::decode_txn(expected.SerializeAsString());
        REQUIRE(got.has_value());
        check_equal(got->header, expected.header());
        CHECK(got->succeeded == expected.succeeded());
        CHECK(got->responses == static_cast<std::size_t>(expected.responses_size()));
    }
}

TEST_CASE("`succeeded` after the responses is decoded too") {
    // etcd never writes this order, but protobuf allows it.
    pb::TxnResponse responses;
    pb::KeyValue& kv = *responses.add_responses()->mutable_response_range()->add_kvs();
    kv.set_key("k");
    pb::TxnResponse flag;
    flag.set_succeeded(true);
    const auto got = etcd::decode_txn(responses.SerializeAsString() + flag.SerializeAsString());
    REQUIRE(got.has_value());
    CHECK(got->succeeded);
}

TEST_CASE("an empty message is valid") {
    CHECK(etcd::decode_range("").has_value());
    CHECK(etcd::decode_watch("").has_value());
    CHECK(etcd::decode_txn("").has_value());
    CHECK(etcd::decode_range_part("").has_value());
}

TEST_CASE("unknown fields of every type are skipped") {
    std::string unknown;
    unknown += std::string("\xa0\x06\x96\x01", 4);  // 100: varint
    unknown += std::string(
        "\xa1\x06"
        "12345678",
        10);  // 100: 64 bit
    unknown += std::string(
        "\xa2\x06\x03"
        "abc",
        6);  // 100: bytes
    unknown += std::string(
        "\xa5\x06"
        "1234",
        6);                                                 // 100: 32 bit
    unknown += std::string("\xa3\x06\x08\x01\xa4\x06", 6);  // 100: a group
    pb::RangeResponse page;
    page.add_kvs()->set_key("k");
    const auto got = etcd::decode_range(unknown + page.SerializeAsString() + unknown);
    REQUIRE(got.has_value());
    REQUIRE(got->kvs.size() == 1);
    CHECK(got->kvs[0].key == "k");
    CHECK(etcd::decode_watch(unknown).has_value());
    CHECK(etcd::decode_txn(unknown).has_value());
}

TEST_CASE("an event of a type that is neither PUT nor DELETE is refused") {
    for (const std::uint64_t type : {2U, 7U, 255U, 1000U}) {
        pb::WatchResponse message;
        message.add_events()->set_type(static_cast<pb::Event::EventType>(type));
        CHECK_FALSE(etcd::decode_watch(message.SerializeAsString()).has_value());
    }
}

TEST_CASE("a field of the wrong wire type is refused") {
    CHECK_FALSE(etcd::decode_range(std::string("\x10\x01", 2)).has_value());  // kvs as a number
    CHECK_FALSE(etcd::decode_range(std::string("\x1a\x01"
                                               "a",
                                               3))
                    .has_value());                                            // more as bytes
    CHECK_FALSE(etcd::decode_watch(std::string("\x58\x01", 2)).has_value());  // events as a number
    CHECK_FALSE(etcd::decode_watch(std::string("\x2a\x01"
                                               "a",
                                               3))
                    .has_value());  // compact_revision as bytes
    CHECK_FALSE(etcd::decode_txn(std::string("\x12\x01"
                                             "a",
                                             3))
                    .has_value());                                          // succeeded as bytes
    CHECK_FALSE(etcd::decode_txn(std::string("\x18\x01", 2)).has_value());  // a response as a number
}

TEST_CASE("lengths beyond the end are refused") {
    CHECK_FALSE(etcd::decode_range(std::string("\x12\x05"
                                               "abc",
                                               5))
                    .has_value());
    CHECK_FALSE(etcd::decode_range(std::string("\x12\xff\xff\xff\xff\x0f", 6)).has_value());
    CHECK_FALSE(etcd::decode_range(std::string("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11)).has_value());
    CHECK_FALSE(etcd::decode_watch(std::string("\x5a\x7f", 2)).has_value());
    CHECK_FALSE(etcd::decode_txn(std::string("\x1a\x7f", 2)).has_value());
}

TEST_CASE("a message that is truncated inside a field is refused") {
    message_maker make(4);
    for (int round = 0; round < 20; ++round) {
        pb::RangeResponse message;
        for (int i = 0; i < 3; ++i) make.fill(*message.add_kvs());
        const std::string whole = message.SerializeAsString();
        std::vector<std::size_t> ends{0};
        for (const pb::KeyValue& kv : message.kvs()) {
            pb::RangeResponse one;
            *one.add_kvs() = kv;
            ends.push_back(ends.back() + one.ByteSizeLong());
        }
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const bool between = std::find(ends.begin(), ends.end(), size) != ends.end();
            CHECK(etcd::decode_range(whole.substr(0, size)).has_value() == between);
        }
    }
}

TEST_CASE("any first part of a page yields exactly its complete keys, and reports that more follow") {
    message_maker make(5);
    for (int round = 0; round < 20; ++round) {
        pb::RangeResponse head;
        make.fill(*head.mutable_header());
        pb::RangeResponse message = head;
        std::vector<std::size_t> ends;
        for (int i = 0; i < 4; ++i) {
            make.fill(*message.add_kvs());
            ends.push_back(message.ByteSizeLong());
        }
        message.set_count(4);
        const std::string whole = message.SerializeAsString();
        for (std::size_t size = 0; size <= whole.size(); ++size) {
            const auto got = etcd::decode_range_part(whole.substr(0, size));
            REQUIRE(got.has_value());
            CHECK(got->more);
            std::size_t expected = 0;
            while (expected < ends.size() && ends[expected] <= size) ++expected;
            REQUIRE(got->kvs.size() == expected);
            for (std::size_t i = 0; i < expected; ++i) check_equal(got->kvs[i], message.kvs(static_cast<int>(i)));
            if (size >= head.ByteSizeLong()) check_equal(got->header, message.header());
        }
    }
}

TEST_CASE("a part with a malformed key is refused") {
    pb::RangeResponse message;
    message.add_kvs()->set_key("k");
    const std::string bad = std::string("\x12\x02\x08\x01", 4);  // a key that is a number
    CHECK_FALSE(etcd::decode_range_part(message.SerializeAsString() + bad).has_value());
}

TEST_CASE("no corruption of a message makes the decoders read outside it") {
    message_maker make(6);
    for (int round = 0; round < 60; ++round) {
        for (const std::string& whole :
             {make.range().SerializeAsString(), make.watch().SerializeAsString(), make.txn().SerializeAsString()}) {
            for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 40)
                decode_all(whole.substr(0, size));
            for (int change = 0; change < 40 && !whole.empty(); ++change) {
                std::string changed = whole;
                for (std::uint64_t n = 1 + make.below(3); n > 0; --n)
                    changed[make.below(changed.size())] = static_cast<char>(make.below(256));
                decode_all(changed);
            }
        }
        decode_all(make.bytes(200));
    }
}

TEST_CASE("too deeply nested groups are refused") {
    decode_all(std::string(100'000, '\x0b'));
    CHECK_FALSE(etcd::decode_range(std::string(100'000, '\xa3')).has_value());
    std::string groups;
    for (int i = 0; i < 50'000; ++i) groups += "\xa3\x06";
    CHECK_FALSE(etcd::decode_watch(groups).has_value());
}

TEST_CASE("decoding stops one key above the limit") {
    pb::RangeResponse message;
    for (int i = 0; i < 100'000; ++i) message.add_kvs();
    CHECK(etcd::decode_range(message.SerializeAsString(), 10)->kvs.size() == 11);
    CHECK(etcd::decode_range_part(message.SerializeAsString(), 10)->kvs.size() == 11);
    CHECK(etcd::decode_range(message.SerializeAsString())->kvs.size() == 100'000);
}
