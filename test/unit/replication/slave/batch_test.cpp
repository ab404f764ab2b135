// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/batch.hpp"

#include "base/random.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

using namespace etcdsync;
using namespace etcdsync::replication;
using test::del;
using test::put;

namespace {

const std::optional<std::string> everything;

const mapping& to_x() {
    static const mapping keys = mapping_of({prefix_rule("/a/", "/a/", "/x/")});
    return keys;
}

txn_limits limits(unsigned ops, std::size_t bytes) {
    txn_limits out;
    out.max_ops = ops;
    out.max_bytes = bytes;
    out.max_revision_bytes = bytes;
    return out;
}

bool add(batch& to, const log_entry& entry, const mapping& keys, const std::optional<std::string>& frontier) {
    mapped_revision revision = map_revision(entry, keys);
    return to.add(revision, keys, frontier);
}

store result_of(const batch& writes) {
    store out{{"/x/gone", "old"}};
    apply(writes.writes(), out);
    return out;
}

}  // namespace

TEST_CASE("a revision becomes writes to the keys of the slave") {
    batch b{txn_limits()};
    CHECK(add(b, entry(5, {put("/a/k", "v", 5), del("/a/gone", 5)}), to_x(), everything));
    REQUIRE(b.writes().size() == 2);
    CHECK(result_of(b) == store{{"/x/k", "v"}});
}

TEST_CASE("keys that no rule selects are left out") {
    batch b{txn_limits()};
    CHECK(add(b, entry(5, {put("/b/k", "v", 5)}), to_x(), everything));
    CHECK(b.empty());
}

TEST_CASE("over several revisions the last write of a key wins, and each key is written once") {
    batch b{txn_limits()};
    CHECK(add(b, entry(5, {put("/a/k", "1", 5), put("/a/l", "1", 5)}), to_x(), everything));
    CHECK(add(b, entry(6, {del("/a/k", 6)}), to_x(), everything));
    CHECK(add(b, entry(7, {put("/a/k", "3", 7), del("/a/l", 7)}), to_x(), everything));
    CHECK(b.writes().size() == 2);
    CHECK(result_of(b) == store{{"/x/gone", "old"}, {"/x/k", "3"}});
}

TEST_CASE("only keys below the frontier are written") {
    batch b{txn_limits()};
    CHECK(add(b, entry(5, {put("/a/a", "1", 5), put("/a/m", "1", 5), put("/a/z", "1", 5)}), to_x(), "/x/m"));
    REQUIRE(b.writes().size() == 1);
    CHECK(b.writes()[0].key == "/x/a");
}

TEST_CASE("a revision that does not fit leaves the batch unchanged") {
    batch b{limits(4, 1000)};  // 3 writes beside the checkpoint, or a few more if nested
    const std::size_t most = etcd::txn_capacity(4);
    std::vector<test::built_event> many;
    for (std::size_t i = 0; i < most; ++i) many.push_back(put("/a/k" + std::to_string(i), "v", 5));
    CHECK(add(b, entry(5, many), to_x(), everything));
    const std::size_t bytes = b.bytes();
    CHECK_FALSE(add(b, entry(6, {put("/a/new", "v", 6)}), to_x(), everything));
    CHECK(b.writes().size() == most);
    CHECK(b.bytes() == bytes);
    for (const etcd::operation& write : b.writes()) CHECK(write.key.starts_with("/x/k"));
    batch small{limits(128, 100)};
    CHECK_FALSE(add(small, entry(5, {put("/a/k", std::string(200, 'v'), 5)}), to_x(), everything));
    CHECK(small.empty());
    CHECK(small.bytes() == 0);
}

TEST_CASE("without nested Txns a batch holds the writes that fit beside the checkpoint") {
    txn_limits flat;
    flat.nested = false;
    CHECK(flat.max_writes() == 127);
    batch b{flat};
    std::vector<test::built_event> many;
    for (int i = 0; i < 127; ++i) many.push_back(put("/a/" + std::to_string(i), "v", 5));
    CHECK(add(b, entry(5, many), to_x(), everything));
    CHECK(b.fits_in(flat));
    CHECK_FALSE(add(b, entry(6, {put("/a/new", "v", 6)}), to_x(), everything));
    many.push_back(put("/a/new", "v", 5));
    batch whole{txn_limits{}};
    CHECK(add(whole, entry(5, many), to_x(), everything));
    CHECK(whole.fits_in({}));
    CHECK_FALSE(whole.fits_in(flat));
}

TEST_CASE("the size is that of the current writes, whatever they replaced") {
    base::random_source random(1);
    batch b{txn_limits()};
    for (revision rev = 1; rev < 200; ++rev) {
        const std::string key = "/a/" + std::to_string(random.next() % 20);
        const bool added = add(
            b,
            entry(rev, {random.next() % 3 == 0 ? del(key, rev) : put(key, std::string(random.next() % 500, 'v'), rev)}),
            to_x(), everything);
        REQUIRE(added);
        std::size_t sum = 0;
        for (const etcd::operation& write : b.writes()) sum += write.encoded_size();
        REQUIRE(b.bytes() == sum);
    }
}

TEST_CASE(
    "a batch is equivalent to its revisions one by one, keeps its limits, has unique keys, and never splits a "
    "revision") {
    base::random_source random(2);
    for (int round = 0; round < 100; ++round) {
        batch b{limits(2 + static_cast<unsigned>(random.next() % 12), 200 + random.next() % 2000)};
        store expected;
        const std::size_t max_bytes = 2200;
        for (revision rev = 1; rev < 60; ++rev) {
            std::vector<test::built_event> events;
            std::set<std::string> used;
            for (std::uint64_t n = 1 + random.next() % 4; n > 0; --n) {
                const std::string key = "/a/" + std::to_string(random.next() % 15);
                if (!used.insert(key).second) continue;  // entries are folded
                events.push_back(random.next() % 3 == 0
                                     ? del(key, rev)
                                     : put(key, std::string(random.next() % 60, 'v') + std::to_string(rev), rev));
            }
            if (!add(b, entry(rev, events), to_x(), everything)) continue;
            for (const auto& event : events) {
                const std::string key = "/x/" + event.key.substr(3);
                if (event.put)
                    expected[key] = event.value;
                else
                    expected.erase(key);
            }
        }
        store got;
        std::set<std::string_view> keys;
        for (const etcd::operation& write : b.writes()) CHECK(keys.insert(write.key).second);
        apply(b.writes(), got);
        CHECK(got == expected);
        CHECK(b.bytes() <= max_bytes);
    }
}

TEST_CASE("a batch keeps the buffers of its values alive") {
    batch b{txn_limits()};
    std::weak_ptr<const std::string> buffer;
    {
        log_entry one = entry(5, {put("/a/k", std::string(1000, 'v'), 5)});
        buffer = one.owners[0];
        CHECK(add(b, one, to_x(), everything));
    }
    CHECK_FALSE(buffer.expired());
    CHECK(b.writes()[0].value == std::string(1000, 'v'));
    b = batch(txn_limits());
    CHECK(buffer.expired());
}

TEST_CASE("a batch copies what it needs of a buffer that is mostly not written, and lets go of the buffer") {
    constexpr std::size_t page = 64U << 10;
    batch b{limits(4'096, 1U << 20)};
    for (int i = 0; i < 100; ++i) {
        const auto owner = std::make_shared<const std::string>(page, static_cast<char>('a' + i % 26));
        const std::string key = "/x/" + std::to_string(i);
        REQUIRE(b.add(etcd::event_type::put, key, std::string_view(*owner).substr(100, 2'000), owner));
    }
    CHECK(b.kept_bytes() == page);  // only the newest, of which more may follow
    for (std::size_t i = 0; i < b.writes().size(); ++i)
        CHECK(b.writes()[i].value == std::string(2'000, static_cast<char>('a' + i % 26)));
}

TEST_CASE("a batch does not copy the values of a buffer that is mostly written") {
    batch b{limits(4'096, 1U << 20)};
    const auto first = std::make_shared<const std::string>(8'000, 'a');
    const auto second = std::make_shared<const std::string>(8'000, 'b');
    REQUIRE(b.add(etcd::event_type::remove, "/x/0", {}, nullptr));
    for (const auto& [key, owner] : {std::pair("/x/1", first), {"/x/2", first}, {"/x/3", second}, {"/x/4", second}})
        REQUIRE(b.add(etcd::event_type::put, key, std::string_view(*owner).substr(0, 3'000), owner));
    CHECK(b.kept_bytes() == 16'000);
    CHECK(b.writes()[1].value.data() == first->data());
    CHECK(b.writes()[4].value.data() == second->data());
}

TEST_CASE("single writes are added until one does not fit") {
    batch b{limits(128, 1000)};
    int added = 0;
    while (b.add(etcd::event_type::put, "/x/" + std::to_string(added), "0123456789", nullptr)) ++added;
    CHECK(added > 10);
    CHECK(b.bytes() <= 1000);
    CHECK(b.writes().size() == static_cast<std::size_t>(added));
    CHECK(b.writes()[0].key == "/x/0");
    CHECK_FALSE(b.add(etcd::event_type::put, "/x/other", "0123456789", nullptr));
}

TEST_CASE("deletes of a rule with delete = false are not replayed, but its puts are") {
    config::rule kept = prefix_rule("/a/");
    kept.replay_deletes = false;
    const mapping keys = mapping_of({kept, prefix_rule("/b/")});
    batch writes{txn_limits{}};
    CHECK(add(writes, entry(5, {put("/a/k", "1", 5), del("/a/l", 5), del("/b/l", 5)}), keys, std::nullopt));
    REQUIRE(writes.writes().size() == 2);
    CHECK(writes.writes()[0].key == "/a/k");
    CHECK(writes.writes()[1].key == "/b/l");
}

TEST_CASE("a batch is moved with its keys, and cannot be copied: its writes refer to them") {
    CHECK_FALSE(std::is_copy_constructible_v<batch>);
    CHECK_FALSE(std::is_copy_assignable_v<batch>);
    std::optional<batch> first(std::in_place, txn_limits());
    CHECK(add(*first, entry(5, {put("/a/k", "1", 5), put("/a/l", "1", 5)}), to_x(), everything));
    batch moved(std::move(*first));
    first.reset();
    batch b{txn_limits()};
    CHECK(add(b, entry(1, {put("/a/other", "0", 1)}), to_x(), everything));
    b = std::move(moved);
    CHECK(add(b, entry(6, {put("/a/k", "2", 6)}), to_x(), everything));  // finds the key of the first revision
    CHECK(result_of(b) == store{{"/x/gone", "old"}, {"/x/k", "2"}, {"/x/l", "1"}});
}
