// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/segment_pages.hpp"
#include "support/model_server.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

/// A master and a slave with ten keys for each of some rules, which map "/N/" to "/x/N/".
struct rig {
    explicit rig(int count, std::size_t value_size = 10) {
        std::vector<config::rule> rules;
        for (int i = 0; i < count; ++i) {
            const std::string prefix = fmt::format("/{:03}/", i);
            rules.push_back(prefix_rule(prefix, prefix, "/x" + prefix));
            for (int k = 0; k < 10; ++k) {
                at_master.put(fmt::format("{}{}", prefix, k), std::string(value_size, 'v'));
                at_slave.put(fmt::format("/x{}{}", prefix, k), std::string(value_size, 'v'));
            }
        }
        keys.emplace(mapping_of(rules));
        master.emplace(connect("http://m:1"), loop.clock, 5s);
        slave.emplace(connect("http://s:1"), loop.clock, 5s);
    }

    std::shared_ptr<net::channel> connect(const std::string& url) {
        const net::endpoint to{url, "h", 1, nullptr, {}};
        auto stream = loop.run(dialer.dial(to, loop.clock.now() + 1s));
        REQUIRE(stream.has_value());
        return net::make_http2_channel(std::move(*stream), to, loop.clock, loop.tasks, {});
    }

    segment_pages pages(const std::string& frontier = {}, const page_reader::options& how = {}) {
        return {{*master, how}, {*slave, how}, loop.tasks, keys->segments(), frontier};
    }

    etcd::range_page read(page_reader& from, const std::string& key) {
        auto page = loop.run(from.next(key), 1min);
        REQUIRE(page.has_value());
        return std::move(*page);
    }

    test::test_loop loop;
    test::memory_dialer dialer{loop.clock};
    test::model_etcd at_master;
    test::model_etcd at_slave;
    test::model_server master_server{loop, dialer, "http://m:1", at_master};
    test::model_server slave_server{loop, dialer, "http://s:1", at_slave};
    std::optional<mapping> keys;
    std::optional<etcd::kv> master;
    std::optional<etcd::kv> slave;
};

}  // namespace

TEST_CASE("each segment is read once from each side, in order, and some are requested in advance") {
    rig r(100);
    segment_pages pages = r.pages();
    int count = 0;
    while (segment_pages::part* const part = pages.next()) {
        const std::string prefix = fmt::format("/{:03}/", count);
        const auto of_master = r.read(part->master, part->where.source.begin);
        const auto of_slave = r.read(part->slave, part->begin);
        CHECK(part->begin == "/x" + prefix);
        REQUIRE(of_master.kvs.size() == 10);
        CHECK(of_master.kvs.front().key == prefix + "0");
        REQUIRE(of_slave.kvs.size() == 10);
        CHECK(of_slave.kvs.front().key == "/x" + prefix + "0");
        ++count;
        const auto ahead = static_cast<int>(r.master_server.requests()) - count;
        CHECK(ahead == std::min(8, 100 - count));
    }
    CHECK(count == 100);
    CHECK(r.master_server.requests() == 100);
    CHECK(r.slave_server.requests() == 100);
}

TEST_CASE("the first segment begins at the frontier, on both sides, and those below it are not read") {
    rig r(20);
    segment_pages pages = r.pages("/x/007/5");
    segment_pages::part* const first = pages.next();
    REQUIRE(first != nullptr);
    CHECK(first->begin == "/x/007/5");
    CHECK(r.read(first->master, "/007/5").kvs.size() == 5);
    CHECK(r.read(first->slave, "/x/007/5").kvs.size() == 5);
    CHECK(r.master_server.requests() == 9);
    CHECK(r.pages("/y").next() == nullptr);
}

TEST_CASE("what is read in advance is together no larger than a page") {
    rig r(20, 100'000);
    page_reader::options how;
    how.page_bytes = 1'600'000;
    segment_pages pages = r.pages({}, how);
    segment_pages::part* const first = pages.next();
    const auto small = r.read(first->master, "/000/");
    CHECK(small.more);
    CHECK(small.kvs.size() < 10);
    CHECK(r.read(first->master, std::string(small.kvs.back().key) + '\0').kvs.size() == 10 - small.kvs.size());
}

TEST_CASE("a reader that is given up leaves nothing behind") {
    rig r(20);
    {
        segment_pages pages = r.pages();
        REQUIRE(pages.next() != nullptr);
        REQUIRE(pages.next() != nullptr);
    }
    r.loop.settle();
}
