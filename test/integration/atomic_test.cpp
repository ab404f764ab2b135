// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"
#include "support/exact.hpp"
#include "support/exactness_checker.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>

using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

constexpr int puts_each = 15;

/// Txn number `n`: 60 operations over two rules. Even and odd Txns write different sets of keys and delete the other set.
etcdserverpb::TxnRequest transaction(int n) {
    etcdserverpb::TxnRequest request;
    for (const std::string_view rule : {"/left/", "/right/"}) {
        for (int i = 0; i < puts_each; ++i) {
            add_put(request, fmt::format("{}{}/{}", rule, n % 2, i), fmt::format("{}", n));
            add_delete(request, fmt::format("{}{}/{}", rule, 1 - n % 2, i));
        }
    }
    return request;
}

/// Replays the slave. Returns the first revision that does not have exactly the keys of one transaction, or "".
std::string torn(const std::vector<change>& history) {
    key_map now;
    for (std::size_t i = 0; i < history.size(); ++i) {
        const change& c = history[i];
        if (!c.key.starts_with(checkpoint_prefix)) {
            if (c.is_put) {
                now[c.key] = c.value;
            } else {
                now.erase(c.key);
            }
        }
        const bool last_of_revision = i + 1 == history.size() || history[i + 1].revision != c.revision;
        if (!last_of_revision || now.empty()) continue;
        std::set<std::string> numbers;
        for (const auto& [key, value] : now) numbers.insert(value);
        if (now.size() != 2 * puts_each || numbers.size() != 1)
            return fmt::format("revision {}: {} keys of {} transactions", c.revision, now.size(), numbers.size());
    }
    return {};
}

}  // namespace

TEST_CASE("no slave ever shows a part of a transaction of 60 puts and deletes over two rules") {
    etcd_server master{role::master};
    etcd_server slave_1;
    etcd_server slave_2;
    for (etcd_server* server : {&master, &slave_1, &slave_2}) server->start();
    etcd_client at_master(master.port());
    etcd_client at_slave_1(slave_1.port());
    etcd_client at_slave_2(slave_2.port());

    sync_daemon sync(config_for(master, {slave_1, {slave_2, "dest = \"/copy\""}},
                                "[[rule]]\nprefix = \"/left/\"\n[[rule]]\nprefix = \"/right/\"\n"));
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") == 2; }, patience(20s)));

    constexpr int count = 500;
    std::int64_t last = 0;
    const auto on_both = [&] { return follows_at(at_slave_1, last) && follows_at(at_slave_2, last); };
    for (int n = 0; n < count; ++n) {
        last = at_master.txn(transaction(n));
        at_master.put("/middle/of/nobody", "between the rules");
        // Wait for some of them, so that there are single revisions and merged ones.
        if (n % 10 == 0) REQUIRE(eventually(on_both, patience(20s)));
    }
    REQUIRE(eventually(on_both, patience(20s)));
    CHECK(sync.terminate() == 0);

    CHECK(torn(at_slave_1.history(1)) == "");
    CHECK(torn(at_slave_2.history(1)) == "");
    CHECK(difference(with_prefix(keys_of(at_master), {"/left/", "/right/"}), keys_of(at_slave_1)) == "");
    const exactness_report first =
        check_exactness(at_master, at_slave_1, {same_keys({"/left/", "/right/"}), "etcd-sync", {}});
    CHECK(first.fault == "");
    CHECK(first.data_revisions >= count / 10);
    CHECK(first.data_revisions <= count);
    const key_mapping moved = [same = same_keys({"/left/", "/right/"})](std::string_view key) {
        auto mapped = same(key);
        if (mapped) mapped->insert(0, "/copy");
        return mapped;
    };
    CHECK(check_exactness(at_master, at_slave_2, {moved, "etcd-sync", {}}).fault == "");
}

TEST_CASE(
    "a transaction larger than the operation limit of a slave is one revision there, or several if the slave does not "
    "support nested transactions") {
    if (!etcd_program::of(role::master).takes_nested_txns()) {
        MESSAGE("this master does not support such a transaction");
        return;
    }
    etcd_server master({"--max-txn-ops", "1000"}, role::master);
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    etcd_client at_slave(slave.port());
    sync_daemon sync(config_for(master, {slave}, "[[rule]]\nprefix = \"/\"\n"));
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") == 1; }, patience(20s)));

    etcdserverpb::TxnRequest puts;
    for (int i = 0; i < 900; ++i) add_put(puts, fmt::format("/many/{:03}", i), "x");
    const std::int64_t written = at_master.txn(puts);
    REQUIRE(eventually([&] { return follows_at(at_slave, written); }, patience(20s)));
    const std::int64_t deleted = at_master.del("/many/", "/many0");
    REQUIRE(eventually([&] { return follows_at(at_slave, deleted); }, patience(20s)));
    CHECK(keys_of(at_slave).empty());
    CHECK(sync.terminate() == 0);
    const exactness_report report = check_exactness(at_master, at_slave, {same_keys({"/"}), "etcd-sync", {}});
    CHECK(report.fault == "");
    if (slave.program().takes_nested_txns()) {
        CHECK(report.data_revisions == 2);
    } else {
        CHECK(report.data_revisions == 16);  // 127 at a time, also the deletes
        CHECK(report.split_revisions == 14);
        CHECK(sync.logged("it is applied in parts") == 1);
    }
}
