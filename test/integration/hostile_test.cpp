// SPDX-License-Identifier: Apache-2.0
// The daemon with correct etcds and a hostile server, as a slave or as the master. One daemon runs through all cases.
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
const std::string short_intervals =
    "[replication]\nprobe_interval = \"250ms\"\nrequest_timeout = \"1s\"\n[log]\nlevel = \"debug\"\n";

/// The memory and CPU time that the daemon has used since begin().
class gauge {
public:
    explicit gauge(const sync_daemon& of) : of_(&of) {}

    void begin() {
        std::ofstream(fmt::format("/proc/{}/clear_refs", of_->pid())) << "5";  // resets the peak
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

constexpr std::string_view checkpoint_key = "/.etcd-sync/etcd-sync";

/// The highest value of all cases, and its case.
struct worst {
    long amount = -1;
    std::string case_name;
    void update(long value, const std::string& name) {
        if (value <= amount) return;
        amount = value;
        case_name = name;
    }
};

struct totals {
    unsigned cases = 0;
    worst growth;
    worst cpu;
    worst connections;

    void print() const {
        MESSAGE(cases, " cases; most memory: ", growth.amount, " KiB (", growth.case_name, "); most CPU: ", cpu.amount,
                " ms (", cpu.case_name, "); most connections: ", connections.amount, " (", connections.case_name, ")");
    }
};

bool is_plain(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte == '\n' || (byte >= 0x20 && byte != 0x7f);
    });
}

/// The changed keys since `from` that have none of the prefixes.
std::string changes_outside(etcd_client& slave, std::int64_t from, const std::vector<std::string>& prefixes) {
    std::string out;
    for (const change& c : slave.history(from + 1)) {
        const auto begins = [&c](const std::string& prefix) { return c.key.starts_with(prefix); };
        if (std::none_of(prefixes.begin(), prefixes.end(), begins)) out += c.key + " ";
    }
    return out;
}

/// Runs one case until the server has deviated, and for the duration of the case after that.
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
    if (patience(1ms) == 1ms) CHECK(growth <= 32 * 1024);  // a sanitizer needs additional memory
    CHECK(cpu <= patience(1s));
    CHECK(connections <= 6 * attempts);
    ++all.cases;
    all.growth.update(growth, one.name);
    all.cpu.update(cpu.count(), one.name);
    all.connections.update(connections, one.name);
}

void fill_span(hostile_server& server, const std::string& prefix, int count) {
    server.with_store([&](model_etcd& store) {
        for (int i = 0; i < count; ++i) store.put(prefix + std::to_string(i), "honest");
    });
}

}  // namespace

TEST_CASE("hostile slaves use limited resources, write no escapes into the log, and do not delay the other slave") {
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
                                "[[rule]]\nprefix = \"/a/\"\n" + short_intervals));
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") >= 2; }, patience(20s)));

    totals all;
    std::size_t late = 0;
    for (const hostile_case& one : cases) {
        CAPTURE(one.name);
        // Without the checkpoint all keys are compared, so pages are read.
        if (one.name.starts_with("range: ")) server.with_store([](model_etcd& store) { store.del(checkpoint_key); });
        watch_case(one, server, sync, all, [&] {
            const std::int64_t written = at_master.put("/a/beat", one.name);
            const auto begin = steady::now();
            CHECK(eventually([&] { return follows_at(at_good, written); }, patience(10s)));
            if (steady::now() - begin > patience(1s)) ++late;
        });
    }
    CHECK(late <= cases.size() / 20);  // if it waited for the other slave's timeouts, it would be late most of the time
    server.behave({});
    const std::int64_t last = at_master.put("/a/last", "honest again");
    CHECK(eventually([&] { return follows_at(at_good, last); }, patience(10s)));
    const auto there = [&] {
        return server.with_store([](model_etcd& store) { return store.keys().count("/a/last") == 1; });
    };
    CHECK(eventually(there, patience(10s)));
    CHECK(sync.terminate() == 0);
    CHECK(is_plain(sync.output()));
    CHECK(changes_outside(at_good, before, {"/a/", "/.etcd-sync/etcd-sync"}) == "");
    CHECK(difference(keys_of(at_master), with_prefix(keys_of(at_good), {"/a/"})) == "");
    CHECK(at_master.revision() == last);
    all.print();
}

namespace {

/// A daemon whose master is the hostile server, and a real slave that also has foreign keys.
struct hostile_master {
    hostile_master() {
        slave.start();
        fill_span(server, "/a/", 40);
        fill_span(server, "/b/", 10);
        fill_span(server, "/c/", 10);
        for (const char* key : {"/a", "/a0", "/b/1", "/b/2", "/between", "/outside/1", "/zzz", "/.etcd-sync/other"})
            at_slave.put(key, "theirs");
        before = at_slave.revision();
        sync.start();
        REQUIRE(eventually([&] { return sync.logged("in sync") >= 1; }, patience(20s)));
    }

    /// The master behaves correctly again. True if a new key reaches the slave.
    bool recovers(const std::string& mark) {
        server.behave({});
        server.with_store([&](model_etcd& store) { return store.put("/a/healed", mark); });
        const auto recovered = [&] {
            const key_map found = at_slave.range("/a/healed", {});
            return !found.empty() && found.begin()->second == mark;
        };
        return eventually(recovered, patience(10s));
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
        CHECK(changes_outside(at_slave, before, {"/a/", "/c/", "/.etcd-sync/etcd-sync"}) == "");
        all.print();
    }

    etcd_server slave;
    hostile_server server;
    etcd_client at_slave{slave.port()};
    std::int64_t before = 0;
    // The guards are off: the master may change all keys of the rules, and nothing must be held.
    sync_daemon sync{config_for(endpoint_list({server.url()}), {slave},
                                "[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/c/\"\n"
                                "[safety]\non_master_change = \"resync\"\nmax_delete = \"100%\"\n" +
                                    short_intervals)};
    totals all;
};

}  // namespace

TEST_CASE("hostile masters use limited resources and write no escapes into the log") {
    hostile_cases cases = connection_cases();
    append(cases, flood_cases());
    append(cases, http_cases());
    append(cases, grpc_cases());
    append(cases, status_cases());
    hostile_master on;
    for (const hostile_case& one : cases) {
        CAPTURE(one.name);
        watch_case(one, on.server, on.sync, on.all, [] {});
        if (on.all.cases % 10 == 0) REQUIRE(on.recovers(one.name));
    }
    REQUIRE(on.recovers("last"));
    on.finish();
}

namespace {

/// Makes the first watch violate its protocol, so that everything is compared and the master's pages are read.
std::function<bool(exchange&, int)> force_comparison() {
    return [done = std::make_shared<std::atomic<bool>>(false)](exchange& to, int turn) {
        if (turn != 2 || done->exchange(true)) return false;
        etcdserverpb::WatchResponse twice;
        to.store.fill_header(*twice.mutable_header());
        twice.set_watch_id(1);
        twice.set_created(true);
        to.session.data(to.id, etcdsync::grpc::frame(twice.SerializeAsString()));
        return false;  // the case tests the pages
    };
}

}  // namespace

TEST_CASE("invalid masters change nothing outside the rules, and none of their invalid data remains") {
    hostile_cases cases = range_cases();
    for (hostile_case& one : cases) one.how.each_turn = force_comparison();
    append(cases, watch_cases());
    hostile_master on;
    for (const hostile_case& one : cases) {
        CAPTURE(one.name);
        watch_case(one, on.server, on.sync, on.all, [] {});
        REQUIRE(on.recovers(one.name));
    }
    on.finish();
}
