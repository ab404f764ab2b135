// SPDX-License-Identifier: Apache-2.0
#include "etcd/kv.hpp"
#include "etcd/watch.hpp"
#include "support/builders.hpp"
#include "support/scripted_peer.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <rpc.pb.h>
#include <string>

using namespace etcdsync;
using namespace std::chrono_literals;
using kind = etcd::watch_message::kind;

namespace {

namespace pb = etcdserverpb;
using http2::stream_id;

struct rig : test::scripted_channel {
    rig() {
        etcd::watch_query query;
        query.key = "a";
        query.range_end = "z";
        query.start_revision = 1234;
        watch = std::make_unique<etcd::watch_stream>(*channel, query);
        loop.settle();
        stream = peer.server().requests().begin()->first;
    }

    void establish() {
        test::built_answer created;
        created.created = true;
        peer.begin(stream);
        peer.message(stream, test::encode(created));
    }

    void send(const test::built_answer& answer) { peer.message(stream, test::encode(answer)); }
    etcd::result<etcd::watch_message> next() { return loop.run(watch->next()); }

    std::unique_ptr<etcd::watch_stream> watch;
    stream_id stream = 0;
};

test::built_answer one_event(etcd::revision rev) {
    test::built_answer out;
    out.events = {test::put("b", "v", rev)};
    out.store_revision = rev;
    return out;
}

aio::awaitable<> next_into(etcd::watch_stream& watch, std::optional<etcd::error_class>& out) {
    const auto message = co_await watch.next();
    if (message.has_error()) out = message.error().cls;
}

}  // namespace

TEST_CASE("the creation of a watch sets every field that makes it safe") {
    rig r;
    const auto& request = r.peer.server().request(r.stream);
    CHECK(request.value(":path") == "/etcdserverpb.Watch/Watch");
    CHECK(request.value("hasleader") == "true");
    CHECK_FALSE(request.ended);
    const auto messages = r.peer.messages(r.stream);
    REQUIRE(messages.size() == 1);
    pb::WatchRequest asked;
    REQUIRE(asked.ParseFromString(messages[0]));
    const pb::WatchCreateRequest& create = asked.create_request();
    CHECK(create.key() == "a");
    CHECK(create.range_end() == "z");
    CHECK(create.start_revision() == 1234);
    CHECK_FALSE(create.fragment());  // etcd takes minutes to split a large revision; we read in parts instead
    CHECK(create.progress_notify());
    CHECK(create.watch_id() >= 1);
    CHECK_FALSE(create.prev_kv());
    CHECK(create.filters_size() == 0);
}

TEST_CASE("messages are returned one by one, even if they arrive together and in pieces") {
    rig r;
    r.wire.to_client->chunk(7);
    r.establish();
    for (etcd::revision rev = 10; rev < 20; ++rev) r.send(one_event(rev));
    CHECK(r.next()->what == kind::created);
    for (etcd::revision rev = 10; rev < 20; ++rev) {
        const auto message = r.next();
        REQUIRE(message.has_value());
        REQUIRE(message->response.events.size() == 1);
        CHECK(message->response.events[0].kv.mod_revision == rev);
    }
}

TEST_CASE("a watch that the server ends with OK is retried") {
    rig r;
    r.establish();
    r.peer.finish(r.stream);
    CHECK(r.next()->what == kind::created);
    CHECK(r.next().error().cls == etcd::error_class::retry);
}

TEST_CASE("a member that lost its leader ends the watch") {
    rig r;
    r.establish();
    r.peer.finish(r.stream, 14, "etcdserver: no leader");
    CHECK(r.next()->what == kind::created);
    const auto lost = r.next();
    REQUIRE(lost.has_error());
    CHECK(lost.error().cls == etcd::error_class::retry);
    CHECK(lost.error().text.find("peer:2379") != std::string::npos);
}

TEST_CASE("a malformed response and a protocol violation end the watch, and the error names the endpoint") {
    for (const bool malformed : {true, false}) {
        rig r;
        r.establish();
        if (malformed)
            r.peer.message(r.stream, "\x5a\x7f");
        else
            r.send(one_event(0));
        CHECK(r.next()->what == kind::created);
        const auto bad = r.next();
        REQUIRE(bad.has_error());
        CHECK(bad.error().cls == (malformed ? etcd::error_class::bad_peer : etcd::error_class::watch_violation));
        CHECK(bad.error().text.find("peer:2379") != std::string::npos);
    }
}

TEST_CASE("a watch has no deadline of its own, but a dead peer is detected") {
    rig r;
    r.establish();
    CHECK(r.next()->what == kind::created);
    r.loop.clock.advance(1h);  // the peer answers pings
    CHECK(r.channel->usable());
    r.wire.to_client->stall();
    r.loop.clock.advance(16s);
    CHECK(r.next().error().cls == etcd::error_class::ambiguous);
}

TEST_CASE("cancel ends the wait for a message") {
    rig r;
    r.establish();
    CHECK(r.next()->what == kind::created);
    std::optional<etcd::error_class> ended;
    r.loop.tasks.spawn("waiter", next_into(*r.watch, ended));
    r.loop.settle();
    CHECK_FALSE(ended.has_value());
    r.watch->cancel();
    r.loop.settle();
    CHECK(ended == etcd::error_class::cancelled);
    CHECK(r.peer.server().request(r.stream).reset == http2::error_code::cancel);
}

TEST_CASE("the destructor of a watch resets its stream, because half-closing would leave it running on the server") {
    rig r;
    r.establish();
    CHECK(r.next()->what == kind::created);
    r.watch.reset();
    r.loop.settle();
    CHECK(r.peer.server().request(r.stream).reset == http2::error_code::cancel);
    CHECK(r.channel->usable());
}

TEST_CASE("an event above the limit ends the watch, and the error says what to do") {
    rig r;
    r.establish();
    REQUIRE(r.next().has_value());
    test::built_answer large = one_event(1234);
    large.events[0].value = std::string(etcd::watch_query().max_event + (1U << 20), 'x');
    r.send(large);
    const auto message = r.next();
    REQUIRE(message.has_error());
    CHECK(message.error().cls == etcd::error_class::bad_peer);
    CHECK(message.error().text.starts_with("peer:2379: the master has a value of more than 16777216 bytes"));
}

TEST_CASE("a large response is returned in parts as it arrives, and only the last part ends it") {
    rig r;
    r.establish();
    REQUIRE(r.next().has_value());
    test::built_answer large;
    large.store_revision = 1300;
    for (int i = 0; i < 40'000; ++i) large.events.push_back(test::put("b" + std::to_string(i), "value", 1234));
    r.send(large);
    std::size_t events = 0;
    std::size_t parts = 0;
    for (bool more = true; more; ++parts) {
        const auto message = r.next();
        REQUIRE(message.has_value());
        CHECK(message->what == kind::events);
        CHECK(message->response.header.store_revision == 1300);
        CHECK(message->response.owner->size() < (1U << 20));
        for (const etcd::event& e : message->response.events) {
            CHECK(e.kv.key == "b" + std::to_string(events));
            ++events;
        }
        more = message->response.fragment;
    }
    CHECK(events == 40'000);
    CHECK(parts > 1);
    r.send(one_event(1301));
    CHECK(r.next()->response.events.size() == 1);
}

TEST_CASE("many small events are returned a few thousand at a time") {
    rig r;
    r.establish();
    REQUIRE(r.next().has_value());
    test::built_answer many;
    many.store_revision = 20'000;
    for (int i = 1; i <= 10'000; ++i) many.events.push_back(test::del("b", i));
    r.send(many);
    etcd::revision last = 0;
    for (bool more = true; more;) {
        const auto message = r.next();
        REQUIRE(message.has_value());
        CHECK(message->response.events.size() <= 4'096);
        CHECK(message->response.events.front().kv.mod_revision == last + 1);
        last = message->response.events.back().kv.mod_revision;
        more = message->response.fragment;
    }
    CHECK(last == 10'000);
}

TEST_CASE("an event that announces a size above the limit ends the watch at once") {
    rig r;
    r.establish();
    REQUIRE(r.next().has_value());
    // A message of 1 GiB with an event of the same size, of which 256 KiB arrive.
    r.peer.server().data(r.stream, std::string("\0\x40\0\0\0\x5a\xf0\xff\xff\xff\x03", 11) + std::string(300'000, 'x'));
    r.peer.flush();
    const auto message = r.next();
    REQUIRE(message.has_error());
    CHECK(message.error().cls == etcd::error_class::bad_peer);
    CHECK(message.error().text.find("more than 16777216 bytes") != std::string::npos);
}

TEST_CASE("too many empty messages end the watch") {
    rig r;
    r.establish();
    REQUIRE(r.next().has_value());
    test::built_answer nothing;
    nothing.watch_id = -1;
    for (int i = 0; i < 999; ++i) r.send(nothing);
    r.send(one_event(6));
    CHECK(r.next()->what == kind::events);
    for (int i = 0; i < 1'000; ++i) r.send(nothing);
    const auto flooded = r.next();
    REQUIRE(flooded.has_error());
    CHECK(flooded.error().cls == etcd::error_class::bad_peer);
}
