// SPDX-License-Identifier: Apache-2.0
// The daemon between good etcds and a server that means no good, as a slave and as the master. One daemon meets them all in turn.
#include "grpc/framing.hpp"
#include "hostile_cases.hpp"
#include "stage.hpp"

#include <algorithm>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace etcdsync::test;

namespace {

using steady = std::chrono::steady_clock;

constexpr auto probe_interval = 250ms;
const std::string impatient =
    "[replication]\nprobe_interval = \"250ms\"\nrequest_timeout = \"1s\"\n[log]\nlevel = \"debug\"\n";

/// What the daemon takes of the machine since begin().
class gauge {
public:
    explicit gauge(const sync_daemon& of) : of_(&of) {}

    void begin() {
        std::ofstream(fmt::format("/proc/{}/clear_refs", of_->pid())) << "5";  // the peak begins anew
        rss_ = of_->rss_kib();
        cpu_ = ticks();
    }
    [[nodiscard]] long growth_kib() const { return std::max(0L, of_->rss_kib("VmHWM:") - rss_); }
    [[nodiscard]] std::chrono::milliseconds cpu() const {
        return std::chrono::milliseconds((ticks() - cpu_) * 1'000 / ::sysconf(_SC_CLK_TCK));
    }

private:
    [[nodiscard]] long ticks() const {
        std::ifstream in(fmt::format("/proc/{}/stat", of_->pid()));
        std::string word;
        long user = 0;
        long system = 0;
        for (int i = 0; i < 13; ++i) in >> word;
        in >> user >> system;
        return user + system;
    }

    const sync_daemon* of_;
    long rss_ = 0;
    long cpu_ = 0;
};

constexpr std::string_view record_key = "/.etcd-sync/etcd-sync";

/// The most that any case took, and which.
struct worst {
    long amount = -1;
    std::string where;
    void see(long value, const std::string& name) {
        if (value <= amount) return;
        amount = value;
        where = name;
    }
};

struct totals {
    unsigned cases = 0;
    worst growth;
    worst cpu;
    worst connections;

    void tell() const {
        MESSAGE(cases, " cases; most memory: ", growth.amount, " KiB (", growth.where, "); most CPU: ", cpu.amount,
                " ms (", cpu.where, "); most connections: ", connections.amount, " (", connections.where, ")");
    }
};

bool is_plain(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte == '\n' || (byte >= 0x20 && byte != 0x7f);
    });
}

/// The changes since `from` of keys that are none of the daemon's business.
std::string trespasses(etcd_client& slave, std::int64_t from, const std::vector<std::string>& prefixes) {
    std::string out;
    for (const change& c : slave.history(from + 1)) {
        const auto begins = [&c](const std::string& prefix) { return c.key.starts_with(prefix); };
        if (std::none_of(prefixes.begin(), prefixes.end(), begins)) out += c.key + " ";
    }
    return out;
}

/// One case: until the server could do to the daemon what it is about, and for as long as the case says.
void watch_case(const hostile_case& one, hostile_server& server, sync_daemon& sync, totals& all,
                const std::function<void()>& meanwhile) {
    gauge taken(sync);
    const auto begun = steady::now();
    server.behave(one.how);
    taken.begin();
    CHECK(eventually([&] { return server.connections() > 0; }, patience(5s)));
    meanwhile();
    CHECK(eventually([&] { return server.deviations() > 0; }, patience(10s)));
    std::this_thread::sleep_for(one.lasts);

    REQUIRE(sync.running());
    const long growth = taken.growth_kib();
    const auto cpu = taken.cpu();
    const auto attempts = (steady::now() - begun) / (probe_interval * 4 / 5) + 2;
    const auto connections = server.connections();
    if (patience(1ms) == 1ms) CHECK(growth <= 32 * 1024);  // a sanitizer has memory of its own
    CHECK(cpu <= patience(1s));
    CHECK(connections <= 6 * attempts);
    ++all.cases;
    all.growth.see(growth, one.name);
    all.cpu.see(cpu.count(), one.name);
    all.connections.see(connections, one.name);
}

void fill_span(hostile_server& server, const std::string& prefix, int count) {
    server.with_store([&](model_etcd& store) {
        for (int i = 0; i < count; ++i) store.put(prefix + std::to_string(i), "honest");
    });
}

}  // namespace

TEST_CASE("hostile slaves cost little, write no escapes into the log, and the other slave goes on") {
    hostile_cases cases = connection_cases();
    append(cases, flood_cases());
    append(cases, http_cases());
    append(cases, grpc_cases());
    append(cases, status_cases());
    append(cases, range_cases());
    append(cases, slave_cases());
    REQUIRE(cases.size() >= 150);

    etcd_server master;
    etcd_server good;
    hostile_server server;
    master.start();
    good.start();
    etcd_client at_master(master.port());
    etcd_client at_good(good.port());
    fill(at_master, "/a/", 300);
    at_good.put("/outside/1", "theirs");
    const std::int64_t before = at_good.revision();
    sync_daemon sync(config_for(master, {good, slave_entry(endpoint_list({server.url()}))},
                                "[[rule]]\nprefix = \"/a/\"\n" + impatient));
    sync.start();
    REQUIRE(eventually([&] { return sync.said("in sync") >= 2; }, patience(20s)));

    totals all;
    std::size_t late = 0;
    for (const hostile_case& one : cases) {
        CAPTURE(one.name);
        // Without its record all its keys are compared: so its pages are read.
        if (one.name.starts_with("range: ")) server.with_store([](model_etcd& store) { store.del(record_key); });
        watch_case(one, server, sync, all, [&] {
            const std::int64_t written = at_master.put("/a/beat", one.name);
            const auto begin = steady::now();
            CHECK(eventually([&] { return follows_at(at_good, written); }, patience(10s)));
            if (steady::now() - begin > patience(1s)) ++late;
        });
    }
    CHECK(late <= cases.size() / 20);  // one that waits for the other's time-outs is late most times
    server.behave({});
    const std::int64_t last = at_master.put("/a/last", "honest again");
    CHECK(eventually([&] { return follows_at(at_good, last); }, patience(10s)));
    const auto there = [&] {
        return server.with_store([](model_etcd& store) { return store.keys().count("/a/last") == 1; });
    };
    CHECK(eventually(there, patience(10s)));
    CHECK(sync.terminate() == 0);
    CHECK(is_plain(sync.output()));
    CHECK(trespasses(at_good, before, {"/a/", "/.etcd-sync/etcd-sync"}) == "");
    CHECK(difference(keys_of(at_master), with_prefix(keys_of(at_good), {"/a/"})) == "");
    CHECK(at_master.revision() == last);
    all.tell();
}

namespace {

/// A daemon whose master is the hostile server, and a real slave on which others have keys.
struct lone_slave {
    lone_slave() {
        slave.start();
        fill_span(server, "/a/", 40);
        fill_span(server, "/b/", 10);
        fill_span(server, "/c/", 10);
        for (const char* key : {"/a", "/a0", "/b/1", "/b/2", "/between", "/outside/1", "/zzz", "/.etcd-sync/other"})
            at_slave.put(key, "theirs");
        before = at_slave.revision();
        sync.start();
        REQUIRE(eventually([&] { return sync.said("in sync") >= 1; }, patience(20s)));
    }

    /// The master is honest again: a new key comes to the slave.
    bool heals(const std::string& mark) {
        server.behave({});
        server.with_store([&](model_etcd& store) { return store.put("/a/healed", mark); });
        const auto healed = [&] {
            const key_map found = at_slave.range("/a/healed", {});
            return !found.empty() && found.begin()->second == mark;
        };
        return eventually(healed, patience(10s));
    }

    void finish() {
        const auto wanted = [&] {
            return server.with_store([](model_etcd& store) { return with_prefix(store.keys(), {"/a/", "/c/"}); });
        };
        CHECK(eventually(
            [&] {
                return difference(wanted(), with_prefix(keys_of(at_slave), {"/a/", "/c/"})).empty();
            },
            patience(10s)));
        CHECK(sync.terminate() == 0);
        CHECK(is_plain(sync.output()));
        CHECK(trespasses(at_slave, before, {"/a/", "/c/", "/.etcd-sync/etcd-sync"}) == "");
        all.tell();
    }

    etcd_server slave;
    hostile_server server;
    etcd_client at_slave{slave.port()};
    std::int64_t before = 0;
    // That the master may do with the keys of its rules as it likes is what makes the test: nothing may be held for ever.
    sync_daemon sync{config_for(endpoint_list({server.url()}), {slave},
                                "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/c/\"\n"
                                "[safety]\non_master_change = \"resync\"\nmax_delete = \"100%\"\n" +
                                    impatient)};
    totals all;
};

}  // namespace

TEST_CASE("hostile masters cost little, and write no escapes into the log") {
    hostile_cases cases = connection_cases();
    append(cases, flood_cases());
    append(cases, http_cases());
    append(cases, grpc_cases());
    append(cases, status_cases());
    lone_slave on;
    for (const hostile_case& one : cases) {
        CAPTURE(one.name);
        watch_case(one, on.server, on.sync, on.all, [] {});
        if (on.all.cases % 10 == 0) REQUIRE(on.heals(one.name));
    }
    REQUIRE(on.heals("in the end"));
    on.finish();
}

namespace {

/// The first watch breaks its contract: then everything is compared, and so the master's pages are read.
std::function<bool(exchange&, int)> asks_for_comparison() {
    return [done = std::make_shared<std::atomic<bool>>(false)](exchange& to, int turn) {
        if (turn != 2 || done->exchange(true)) return false;
        etcdserverpb::WatchResponse twice;
        to.store.fill_header(*twice.mutable_header());
        twice.set_watch_id(1);
        twice.set_created(true);
        to.session.data(to.id, etcdsync::grpc::frame(twice.SerializeAsString()));
        return false;  // the pages are what the case is about
    };
}

}  // namespace

TEST_CASE("lying masters touch nothing outside the rules, and leave no lie behind them") {
    hostile_cases cases = range_cases();
    for (hostile_case& one : cases) one.how.each_turn = asks_for_comparison();
    append(cases, watch_cases());
    lone_slave on;
    for (const hostile_case& one : cases) {
        CAPTURE(one.name);
        watch_case(one, on.server, on.sync, on.all, [] {});
        REQUIRE(on.heals(one.name));
    }
    on.finish();
}
