// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/page_reader.hpp"
#include "support/model_server.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

struct rig {
    explicit rig(int keys, std::size_t value_size = 10) {
        for (int i = 0; i < keys; ++i) store.put(fmt::format("k{:05}", i), std::string(value_size, 'v'));
        const net::endpoint to{"http://m:1", "m", 1, nullptr, {}};
        auto stream = loop.run(dialer.dial(to, loop.clock.now() + 1s));
        REQUIRE(stream.has_value());
        channel = net::make_http2_channel(std::move(*stream), to, loop.clock, loop.tasks, {});
        kv.emplace(channel, loop.clock, 5s);
    }

    /// Reads all keys. Returns the sizes of the pages, or {-1} on failure.
    std::vector<int> pages(const page_reader::options& how = {}) {
        page_reader reader(*kv, loop.tasks, {"k", "l"}, how);
        std::vector<int> sizes;
        std::string from = "k";
        int total = 0;
        for (;;) {
            auto page = loop.run(reader.next(from), 1min);
            if (!page) {
                why = page.error();
                return {-1};
            }
            sizes.push_back(static_cast<int>(page->kvs.size()));
            for (const etcd::key_value& read : page->kvs) CHECK(read.key == fmt::format("k{:05}", total++));
            if (!page->more) break;
            from = std::string(page->kvs.back().key) + '\0';
        }
        CHECK(total == static_cast<int>(store.keys().size()));
        return sizes;
    }

    test::test_loop loop;
    test::memory_dialer dialer{loop.clock};
    test::model_etcd store;
    test::model_server server{loop, dialer, "http://m:1", store};
    std::shared_ptr<net::channel> channel;
    std::optional<etcd::kv> kv;
    etcd::error why;
};

using sizes = std::vector<int>;

}  // namespace

TEST_CASE("the size of pages doubles up to the budget") {
    rig r(2'000);
    CHECK(r.pages() == sizes{128, 256, 512, 1'024, 80});
    rig heavy(1'000, 1'000);
    page_reader::options how;
    how.page_bytes = 200'000;
    for (const int size : heavy.pages(how)) CHECK(size <= 200);
}

TEST_CASE("a page that times out is requested again with a quarter of the keys, and later pages are smaller, too") {
    rig r(2'000);
    r.server.script = [](std::uint64_t number) { return number == 4 ? test::fault::lost : test::fault::none; };
    CHECK(r.pages() == sizes{128, 256, 512, 256, 512, 336});
    CHECK(r.server.requests() == 7);
}

TEST_CASE("a second timeout of a page is an error, and a broken connection is an error without a retry") {
    rig r(2'000);
    r.server.script = [](std::uint64_t number) { return number >= 2 ? test::fault::lost : test::fault::none; };
    CHECK(r.pages() == sizes{-1});
    CHECK(r.why.cls == etcd::error_class::ambiguous);
    CHECK(r.server.requests() == 3);
    rig cut(2'000);
    cut.server.script = [](std::uint64_t number) { return number == 2 ? test::fault::cut : test::fault::none; };
    CHECK(cut.pages() == sizes{-1});
    CHECK(cut.server.requests() == 2);
}

TEST_CASE("whichever page fails, all keys are read or an error is returned") {
    for (const test::fault what : test::every_fault) {
        for (std::uint64_t k = 1; k <= 5; ++k) {
            rig r(2'000);
            r.server.script = [&](std::uint64_t number) { return number == k ? what : test::fault::none; };
            const auto read = r.pages();
            const bool broken = what == test::fault::cut || what == test::fault::cut_late;
            CHECK((read == sizes{-1}) == broken);
        }
    }
}

TEST_CASE("if the revision is compacted meanwhile, the next page fails with class compacted") {
    rig r(2'000);
    page_reader::options how;
    how.at = r.store.revision();
    r.server.script = [&](std::uint64_t number) {
        if (number == 3) {
            r.store.put("k99999", "v");
            r.store.compact(r.store.revision());
        }
        return test::fault::none;
    };
    CHECK(r.pages(how) == sizes{-1});
    CHECK(r.why.cls == etcd::error_class::compacted);
}
