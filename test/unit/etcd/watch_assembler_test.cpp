// SPDX-License-Identifier: Apache-2.0
#include "base/random.hpp"
#include "etcd/wire.hpp"
#include "unit/etcd/message_maker.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <rpc.pb.h>
#include <string>

using namespace etcdsync;
using test::message_maker;

namespace {

namespace pb = etcdserverpb;

}  // namespace

TEST_CASE("a WatchResponse that arrives in parts yields the same events, wherever it is split") {
    message_maker make(12);
    base::random_source random(13);
    for (int round = 0; round < 300; ++round) {
        const std::string text = make.watch().SerializeAsString();
        const auto whole = etcd::decode_watch(text);
        REQUIRE(whole.has_value());
        etcd::watch_assembler parts;
        std::size_t events = 0;
        for (std::size_t at = 0, size = 0; at <= text.size(); at += size) {
            size = 1 + random.next() % 40;
            const bool last = at + size > text.size();
            const auto part = parts.add(text.substr(at, size), last);
            REQUIRE(part.has_value());
            for (const etcd::event& e : part->events) {
                const etcd::event& expected = whole->events.at(events++);
                CHECK(e.type == expected.type);
                CHECK(e.kv.key == expected.kv.key);
                CHECK(e.kv.value == expected.kv.value);
                CHECK(e.kv.mod_revision == expected.kv.mod_revision);
                CHECK(part->header.store_revision == whole->header.store_revision);
                CHECK(part->watch_id == whole->watch_id);
            }
            CHECK(part->fragment == (!last || whole->fragment));
        }
        CHECK(events == whole->events.size());
        CHECK(parts.pending_size() == 0);
    }
}

TEST_CASE("a WatchResponse that ends in the middle of an event is malformed") {
    message_maker make(14);
    const std::string text = make.watch().SerializeAsString() + std::string(
                                                                    "\x5a\x05"
                                                                    "ab",
                                                                    4);
    etcd::watch_assembler parts;
    CHECK(parts.add(text, false).has_value());
    CHECK_FALSE(parts.add("c", true).has_value());
}

TEST_CASE("no more events than requested are returned at a time, and none is lost between parts") {
    message_maker make(15);
    base::random_source random(16);
    for (int round = 0; round < 200; ++round) {
        const std::string text = make.watch().SerializeAsString();
        const auto whole = etcd::decode_watch(text);
        REQUIRE(whole.has_value());
        const std::size_t most = 1 + random.next() % 3;
        etcd::watch_assembler parts(most);
        std::size_t events = 0;
        const auto check_part = [&](const std::optional<etcd::watch_response>& part, bool ends) {
            REQUIRE(part.has_value());
            CHECK(part->events.size() <= most);
            for (const etcd::event& e : part->events) CHECK(e.kv.key == whole->events.at(events++).kv.key);
            CHECK(part->fragment == (!ends || whole->fragment));
        };
        for (std::size_t at = 0, size = 0; at <= text.size(); at += size) {
            size = 1 + random.next() % 200;
            const bool last = at + size > text.size();
            const auto part = parts.add(text.substr(at, size), last);
            check_part(part, last && !parts.has_more());
            while (parts.has_more()) {
                const auto next = parts.take_more();
                check_part(next, last && !parts.has_more());
            }
        }
        CHECK(events == whole->events.size());
    }
}

TEST_CASE("the size of an event is known before it has arrived") {
    etcd::watch_assembler parts;
    CHECK(parts.add(std::string("\x5a\x80\x80\x80\x04", 5), false).has_value());  // 8 MiB
    CHECK(parts.pending_size() == (8U << 20) + 5);
    CHECK(parts.add(std::string(1'000, 'x'), false)->events.empty());
    CHECK(parts.pending_size() == (8U << 20) + 5);
}

TEST_CASE("malformed bytes are refused at once, not when more bytes arrive") {
    for (const std::string& bad :
         {std::string("\x5f"), std::string("\x02\x01", 2), std::string(11, '\xff'),
          std::string("\x5a\xff\xff\xff\xff\x0f", 6), std::string("\x10", 1) + std::string(10, '\xff')}) {
        etcd::watch_assembler parts;
        CHECK_FALSE(parts.add(bad, false).has_value());
        CHECK_FALSE(etcd::decode_range_part(bad).has_value());
    }
}

TEST_CASE("a long cancel reason is truncated") {
    pb::WatchResponse canceled;
    canceled.set_canceled(true);
    canceled.set_cancel_reason(std::string(1U << 20, 'x'));
    CHECK(etcd::decode_watch(canceled.SerializeAsString())->cancel_reason.size() == 4'096);
}
