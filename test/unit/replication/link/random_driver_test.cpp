// SPDX-License-Identifier: Apache-2.0
// Random runs: writes to the master, faults, compactions and restarts are derived from a seed. In the end the slave
// equals the master, and each of its revisions was what its checkpoint said. Set ETCD_SYNC_SEEDS=FIRST:COUNT for more
// runs.
#include "base/random.hpp"
#include "unit/replication/setup/two_daemons.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;
using test::fault;

namespace {

class random_run {
public:
    explicit random_run(std::uint64_t seed)
        : random_(seed), is_large_(seed % 6 == 0), is_doubled_(seed % 5 == 1),
          w_(settings_of_master(), settings_of_slave()) {
        w_.settings.replicate.log_limit.value = one_of({1U << 10, 8U << 10, 1U << 20});
        w_.settings.replicate.memory_limit.value = w_.settings.replicate.log_limit.value + (1U << 20);
        w_.settings.replicate.txn_max_ops = one_of({8U, 128U});
        w_.settings.replicate.full_sync_parallel = 1;
        w_.settings.slaves[0].guards.max_delete = {true, 100};  // there is no operator to approve
        if (below(4) == 0) {
            loses_masters_ = true;
            if (below(2) == 0) w_.settings.slaves[0].guards.on_master_change = config::master_change::resync;
        }
        w_.master_server.refuses_status = below(4) == 0;
        put_ballast();
        for (auto* const server : {&w_.master_server, &w_.slave_server}) {
            server->script = [this](std::uint64_t) { return below(100) < fault_percent_ ? some_fault() : fault::none; };
        }
    }

    /// Returns what went wrong; empty on success.
    std::string execute() {
        for (std::uint64_t i = below(300); i > 0; --i) write();
        w_.start();
        if (is_doubled_) w_.start_b();
        for (int i = 0; i < 120 && wrong_.empty(); ++i) {
            step();
            if (is_doubled_ && below(8) == 0) change_daemons();
        }
        end_faults();
        w_.put("/a/last", "written in the end");
        if (!settles()) wrong_ += "the slave is not equal and in sync in the end";
        note_untruth();
        if (held() != nullptr) wrong_ += " (held)";
        if (wrong_.empty()) return {};
        return wrong_ + "\n" + w_.told() + (is_doubled_ ? "b:\n" + w_.b_told() : "");
    }

private:
    std::uint64_t below(std::uint64_t n) { return random_.next() % n; }
    template <class T>
    T one_of(std::initializer_list<T> all) {
        return *(all.begin() + below(all.size()));
    }
    fault some_fault() { return test::every_fault[below(std::size(test::every_fault))]; }

    test::model_etcd::settings settings_of_master() {
        test::model_etcd::settings out;
        out.fragment_events = one_of({-1, 1, 3, 50});
        out.like_3_2 = below(4) == 0;
        return out;
    }
    test::model_etcd::settings settings_of_slave() {
        test::model_etcd::settings out;
        out.max_txn_ops = one_of({8, 20, 128});
        out.max_request_bytes = is_large_ ? 3U << 19 : one_of({20U << 10, 3U << 19});
        out.like_3_2 = below(4) == 0;
        return out;
    }

    std::string key() { return fmt::format("/a/{:02}", below(60)); }
    std::string value() {
        return std::string(one_of<std::size_t>({0, 1, 20, 3'000}), 'v') + fmt::format("{}", below(5));
    }

    void write() {
        switch (below(10)) {
            case 0: w_.del(key()); break;
            case 1: {
                const std::string from = key();
                w_.del(from, from + fmt::format("{}", below(10)));
                w_.del(fmt::format("/a/{}", below(6)), fmt::format("/a/{}", below(6)));
                break;
            }
            case 2: w_.put("/b/" + key(), value()); break;
            case 3: txn(); break;
            default: w_.put(key(), value());
        }
    }

    void txn() {
        etcdserverpb::TxnRequest txn;
        const std::uint64_t first = below(50);
        for (std::uint64_t i = 0; i < 1 + below(10); ++i) {
            const std::string key = fmt::format("/a/{:02}", first + i);
            if (below(3) == 0) {
                txn.add_success()->mutable_request_delete_range()->set_key(key);
            } else {
                auto& put = *txn.add_success()->mutable_request_put();
                put.set_key(key);
                put.set_value(value());
            }
        }
        etcdserverpb::TxnResponse unused;
        if (w_.master.txn(txn, unused)) wrong_ = "the model rejects a Txn of the test";
        w_.master_server.changed();
    }

    /// Waits until the slave is equal and in sync. An operator agrees to what must not happen without one: another master, or, where
    /// the history of the master is not proven, the loss of more than half of the keys.
    bool settles() {
        for (int agreed = 0; agreed < 5; ++agreed) {
            if (w_.eventually([this] { return is_over() || held() != nullptr; }, 15min) && is_over()) return true;
            replicator* const who = held();
            if (who == nullptr) return false;
            const std::string why = who->current().links.at(0).cause;
            const bool may_be_held = lost_master_ || why.find("above half of them") != std::string::npos;
            if (!may_be_held) return false;
            who->approve("default", false);
            pass(20s);
        }
        return false;
    }
    /// One daemon replicates; a second one stands by.
    bool is_over() {
        if (!w_.exact()) return false;
        if (!is_doubled_) return w_.in_sync();
        return w_.in_sync() ? w_.b_stands_by() : w_.b_in_sync() && w_.link().state == link_state::standby;
    }
    /// The daemon that waits for an operator.
    replicator* held() {
        if (w_.link().state == link_state::held) return &w_.running();
        if (is_doubled_ && w_.b().state == link_state::held) return &w_.b_running();
        return nullptr;
    }

    void pass(aio::clock::duration how_long) {
        w_.eventually([] { return false; }, how_long);
    }

    void step() {
        switch (below(25)) {
            case 0: w_.master.compact(w_.master.revision()); break;
            case 1: {
                const auto kept = static_cast<std::uint64_t>(w_.master.revision() - w_.master.compacted());
                w_.master.compact(w_.master.compacted() + static_cast<std::int64_t>(below(kept + 1)));
                break;
            }
            case 2: w_.master_server.notify_progress(); break;
            case 3: one_of({&w_.master_server, &w_.slave_server})->cut(); break;
            case 4: one_of({&w_.master_server, &w_.slave_server})->refuse(true); break;
            case 5: one_of({&w_.master_server, &w_.slave_server})->stall(true); break;
            case 6:
            case 7: end_faults(); break;
            case 8: fault_percent_ = one_of<std::uint64_t>({0, 5, 30}); break;
            case 9:
                w_.freeze(false);
                below(2) == 0 ? w_.stop() : w_.kill();
                pass(one_of<aio::clock::duration>({0s, 1s}));
                w_.start();
                break;
            case 10: pass(one_of<aio::clock::duration>({1s, 20s, 400s})); break;
            case 11:
                if (below(5) == 0) wipe_slave();
                if (loses_masters_ && below(3) == 0) lose_master();
                break;
            case 12:
                for (int i = 0; i < 30; ++i) write();
                break;
            case 13: w_.slave.compact(w_.slave.revision()); break;
            case 15:
                if (below(3) == 0) snapshot_ = w_.master;
                w_.master.add_raft_entries(below(5));
                break;
            case 14:
                if (below(20) == 0)
                    for (int i = 0; i < 1'200; ++i) write();
                break;
            case 16:
                one_of({&w_.master_server, &w_.slave_server})->thin(one_of<std::size_t>({0, 2'000, 64'000}));
                break;
            default: write();
        }
        pass(one_of<aio::clock::duration>({0s, 0s, 5ms, 60ms, 150ms, 700ms}));
    }

    void end_faults() {
        fault_percent_ = 0;
        w_.master_server.stall(false);
        w_.slave_server.stall(false);
        w_.master_server.thin(0);
        w_.slave_server.thin(0);
        w_.freeze(false);
    }

    /// Stops, kills, freezes or cuts off one of two daemons.
    void change_daemons() {
        switch (below(6)) {
            case 0:
                w_.freeze(false);
                below(2) == 0 ? w_.stop() : w_.kill();
                pass(one_of<aio::clock::duration>({1s, 30s}));
                w_.start();
                break;
            case 1:
                below(2) == 0 ? w_.stop_b() : w_.kill_b();
                pass(one_of<aio::clock::duration>({0s, 1s, 30s}));
                w_.start_b();
                break;
            case 2: w_.freeze(true); break;
            case 3: w_.freeze(false); break;
            case 4:
                w_.freeze(true);
                for (int i = 0; i < 10; ++i) write();
                pass(one_of<aio::clock::duration>({9s, 12s, 60s}));
                w_.freeze(false);
                break;
            default: cut_off(one_of({&w_.master_server, &w_.slave_server})); break;
        }
    }

    /// Cuts the first daemon off one of the clusters.
    void cut_off(test::model_server* from) {
        const std::string url = from == &w_.master_server ? "http://master:1" : "http://slave:1";
        from->refuse(url, true);
        from->cut(url);
        pass(one_of<aio::clock::duration>({1s, 12s, 45s}));
    }

    void note_untruth() {
        if (!lost_master_) wrong_ += w_.untruth();
    }

    /// Replaces the master with one of another history. Earlier checkpoints cannot be checked against it.
    void lose_master() {
        note_untruth();
        lost_master_ = true;
        w_.master_server.cut();
        switch (below(4)) {
            case 0: wipe_master(); break;
            case 1:
                is_large_ ? wipe_master() : refill();
                break;  // what hides every sign is found only in a small selection
            case 2:
                w_.master = snapshot_;
                w_.master.restart_raft_log();
                break;
            default: w_.master = snapshot_;  // rewound, as to an older image of the disk
        }
        for (std::uint64_t i = below(one_of<std::uint64_t>({1, 100, 1'000})); i > 0; --i) write();
        if (below(3) == 0) w_.master.compact(w_.master.revision());
    }

    void wipe_master() {
        w_.master = test::model_etcd(settings_of_master());
        put_ballast();
    }

    /// Makes the selection too large for the comparison of small ones, which would repair what was missed.
    void put_ballast() {
        if (is_large_) w_.master.put("/a/ballast", std::string(1'200'000, 'x'));
    }

    /// The script that filled the master fills it again. Some values are other ones.
    void refill() {
        const std::vector<etcdserverpb::TxnRequest> script = w_.master.journal();
        w_.master = test::model_etcd(settings_of_master());
        const std::uint64_t changed = below(3);
        for (std::size_t i = 0; i < script.size(); ++i) {
            etcdserverpb::TxnRequest txn = script[i];
            if (changed > 0 && below(20) == 0 && txn.success(0).has_request_put())
                txn.mutable_success(0)->mutable_request_put()->set_value("changed");
            etcdserverpb::TxnResponse unused;
            w_.master.txn(txn, unused);
        }
    }

    void wipe_slave() {
        note_untruth();
        w_.slave_server.cut();
        w_.slave = test::model_etcd(settings_of_slave());
    }

    base::random_source random_;
    bool is_large_;    ///< more than small_compare reads
    bool is_doubled_;  ///< a second daemon stands by
    two_daemons w_;
    bool loses_masters_ = false;
    bool lost_master_ = false;
    test::model_etcd snapshot_;        ///< of the master
    std::uint64_t fault_percent_ = 0;  ///< percent of requests that fail
    std::string wrong_;
};

}  // namespace

TEST_CASE("after a random run the slave equals the master, and its checkpoint was always true") {
    std::uint64_t first = 1;
    std::uint64_t count = 100;
    if (const char* const asked = std::getenv("ETCD_SYNC_SEEDS")) {
        unsigned long long from = 1;
        unsigned long long many = 1;
        std::sscanf(asked, "%llu:%llu", &from, &many);
        first = from;
        count = many;
    }
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const std::string wrong = random_run(seed).execute();
        CHECK_MESSAGE(wrong.empty(), "seed " << seed << ": " << wrong);
    }
}
