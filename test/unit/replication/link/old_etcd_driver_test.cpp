// SPDX-License-Identifier: Apache-2.0
// A complete replicator with an etcd that behaves like 3.2.
#include "replication/slave/learned_limits.hpp"
#include "unit/replication/support.hpp"
#include "unit/replication/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

test::model_etcd::settings like_3_2() {
    test::model_etcd::settings out;
    out.like_3_2 = true;
    return out;
}

/// One revision of the master: `count` puts, starting at number `from`.
void put_at_once(world& w, int count, int from = 0) {
    etcdserverpb::TxnRequest txn;
    for (int i = from; i < from + count; ++i) {
        auto& put = *txn.add_success()->mutable_request_put();
        put.set_key(fmt::format("/a/{:05}", i));
        put.set_value("v");
    }
    etcdserverpb::TxnResponse unused;
    REQUIRE_FALSE(w.master.txn(txn, unused));
    w.master_server.changed();
}

/// The largest number of keys that one revision of the slave changed.
std::size_t most_at_once(const world& w) {
    std::size_t most = 0;
    std::size_t after = 0;
    for (std::int64_t rev = w.slave.revision() - 1; rev > 1; --rev) {
        // Few keys are written twice here: the set grows by the keys that the revision wrote.
        const std::size_t since = w.slave.changed_after(rev).size();
        most = std::max(most, since - after);
        after = since;
    }
    return most;
}

}  // namespace

TEST_CASE("a slave without nested Txns gets as many writes as fit beside the checkpoint, after one attempt") {
    world w({}, like_3_2());
    w.many(1'000, "v");
    w.start();
    REQUIRE(w.settles());
    CHECK(most_at_once(w) <= 128);
    CHECK(w.slave.revision() < 20);
    CHECK(w.link().splits == 0);
    CHECK(w.untruth() == "");
    w.stop();
}

TEST_CASE(
    "on such a slave a revision that fits beside the checkpoint stays whole, and a larger one is split and counted") {
    test::model_etcd::settings generous;
    generous.max_txn_ops = 1'000;
    world w(generous, like_3_2());
    w.start();
    REQUIRE(w.settles());
    std::int64_t before = w.slave.revision();
    put_at_once(w, 127);
    REQUIRE(w.settles());
    CHECK(w.slave.revision() == before + 1);
    CHECK(w.link().splits == 0);
    before = w.slave.revision();
    put_at_once(w, 300, 200);
    REQUIRE(w.settles());
    CHECK(w.slave.revision() == before + 3);
    CHECK(w.link().splits == 1);
    before = w.slave.revision();
    put_at_once(w, 128, 600);
    REQUIRE(w.settles());
    CHECK(w.slave.revision() == before + 2);
    CHECK(w.link().splits == 2);
    CHECK(w.untruth() == "");
    w.stop();
}

TEST_CASE("a range delete that is too large for the log is one revision on such a slave, too") {
    world w({}, like_3_2());
    w.settings.replicate.log_limit.value = 2U << 10;
    w.settings.replicate.memory_limit.value = 1U << 20;
    w.many(2'000, "v");
    w.start();
    REQUIRE(w.settles());
    const std::int64_t before = w.slave.revision();
    w.del("/a/00100", "/a/02000");
    REQUIRE(w.settles());
    CHECK(w.slave.revision() == before + 1);
    CHECK(w.link().splits == 0);
    CHECK(w.mirrored(w.slave.keys()).size() == 100);
    CHECK(w.untruth() == "");
    w.stop();
}

TEST_CASE("a compacted watch is detected even if the master does not mark it as canceled") {
    world w(like_3_2());
    w.many(20, "v");
    w.start();
    REQUIRE(w.settles());
    w.master_server.cut();
    w.master_server.refuse(true);
    w.master.del("/a/00003");
    w.master.put("/a/00004", "other");
    w.master.compact(w.master.revision());
    w.master_server.refuse(false);
    REQUIRE(w.settles());
    w.put("/a/last", "v");
    REQUIRE(w.settles());
    CHECK(w.untruth() == "");
    w.stop();
}

TEST_CASE("a rejected nested Txn is learned once; the same response again is an error") {
    learned_limits limits{txn_limits()};
    const batch nothing(limits.now());
    const etcd::error refused(etcd::error_class::no_nesting, "etcdserver: key not found");
    CHECK(limits.note_refused(refused, nothing));
    CHECK_FALSE(limits.now().nested);
    CHECK(limits.now().max_ops == 128);
    CHECK_FALSE(limits.note_refused(refused, nothing));
}
TEST_CASE("checkpoints of more rules than such a slave takes in one Txn are migrated, whichever request fails") {
    for (const test::fault what : {test::fault::none, test::fault::cut, test::fault::cut_late}) {
        for (std::uint64_t k = 1; k <= (what == test::fault::none ? 1 : 40); k += 3) {
            test::model_etcd::settings small = like_3_2();
            small.max_txn_ops = 8;
            world w({}, small);
            w.settings.rules.clear();
            w.settings.slaves[0].rules.clear();
            for (std::size_t i = 0; i < 12; ++i) {
                w.settings.rules.push_back(prefix_rule(fmt::format("/a/{:03}", i)));
                w.settings.rules.back().name = fmt::format("{}", i);
                w.settings.slaves[0].rules.push_back(i);
            }
            for (int i = 0; i < 12; ++i) w.put(fmt::format("/a/{:03}/key", i), "v");
            w.slave.put("/a/003/foreign", "kept");
            const auto settled = [&] {
                const auto links = w.current().links;
                return std::ranges::all_of(links,
                                           [](const link_status& one) { return one.state == link_state::in_sync; });
            };
            w.start();
            REQUIRE(w.eventually(settled));
            for (const auto mode : {config::consistency_mode::rule, config::consistency_mode::all}) {
                w.stop();
                w.settings.replicate.consistency = mode;
                const std::uint64_t from = w.slave_server.requests();
                w.slave_server.script = [&, from](std::uint64_t number) {
                    return number == from + k ? what : test::fault::none;
                };
                w.start();
                REQUIRE_MESSAGE(w.eventually(settled), w.told());
                w.put("/a/007/key", "later");
                CHECK(w.eventually([&] { return w.slave.keys().at("/a/007/key") == "later"; }));
                const bool per_rule = mode == config::consistency_mode::rule;
                std::size_t records = 0;
                for (const auto& [key, value] : w.slave.keys())
                    records += key.starts_with(checkpoints) && !key.ends_with(":leader") ? 1 : 0;
                CHECK(records == (per_rule ? 24 : 2));
                CHECK(w.slave.keys().at("/a/003/foreign") == "kept");
            }
            w.stop();
        }
    }
}
