// SPDX-License-Identifier: Apache-2.0
// Masters and slaves with three members, some of which are killed or paused: how fast the failover is, and that nothing is lost.
#include "away.hpp"

#include <sstream>

using namespace etcdsync::test;

namespace {

constexpr std::size_t size = etcd_cluster::size;

/// The member that the daemon said last that it is connected to, or failed back to.
std::size_t connected_master(const sync_daemon& sync, etcd_cluster& master) {
    std::istringstream lines(sync.output());
    std::size_t found = size;
    for (std::string line; std::getline(lines, line);) {
        if (line.find("connected to the master") == std::string::npos && line.find("failed back") == std::string::npos)
            continue;
        for (std::size_t i = 0; i < size; ++i) {
            if (line.find(fmt::format("endpoint={}", master.member(i).url())) != std::string::npos) found = i;
        }
    }
    REQUIRE(found < size);
    return found;
}

/// The member that receives the Txns.
std::size_t connected_slave(etcd_cluster& slave) {
    const auto txns = [&](std::size_t i) {
        try {
            return metric(slave.member(i),
                          "grpc_server_started_total{grpc_method=\"Txn\",grpc_service=\"etcdserverpb.KV\","
                          "grpc_type=\"unary\"}");
        } catch (const std::runtime_error&) {
            return 0L;  // it is down
        }
    };
    std::array<long, size> before{};
    for (std::size_t i = 0; i < size; ++i) before[i] = txns(i);
    std::size_t found = size;
    const auto one_grew = [&] {
        for (std::size_t i = 0; i < size; ++i) {
            if (txns(i) > before[i]) found = i;
        }
        return found < size;
    };
    REQUIRE(eventually(one_grew, patience(10s)));
    return found;
}

/// Waits until all members answer and there is a leader.
void wait_for(etcd_cluster& all) {
    for (std::size_t i = 0; i < size; ++i) CHECK(eventually([&] { return all.at(i).answers(); }, patience(20s)));
    all.leader();
}

std::string id_of(etcd_cluster& all, std::size_t i) {
    const std::string status = etcdctl(all.member(i), {"endpoint", "status"});
    return status.substr(status.find(", ") + 2, status.find(", ", status.find(", ") + 2) - status.find(", ") - 2);
}

void make_lead(etcd_cluster& all, std::size_t i) {
    const auto leads = [&] {
        const std::size_t now = all.leader();
        if (now == i) return true;
        try {
            etcdctl(all.member(now), {"move-leader", id_of(all, i)});
        } catch (const std::runtime_error&) {}  // another leader was elected meanwhile
        return false;
    };
    REQUIRE(eventually(leads, patience(20s)));
}

/// Makes the connected member the leader, and returns it. Repeats this if the daemon connects to another member meanwhile.
std::size_t make_connected_lead(etcd_cluster& all, const std::function<std::size_t()>& connected) {
    std::size_t used = size;
    const auto both = [&] {
        used = connected();
        make_lead(all, used);
        return connected() == used;
    };
    REQUIRE(eventually(both, patience(60s)));
    return used;
}

/// The promised limits. Most of the 5 s is time that etcd needs to elect a leader, or to detect that there is none.
constexpr auto next_member = 2s;
constexpr auto next_leader = 5s;

/// A preferred endpoint is tried every 6 s; after a failback that did not last, after 12 s, 24 s and so on.
const std::string with_fast_failback = std::string(two_prefixes) + "[replication]\nprobe_interval = \"2s\"\n";

}  // namespace

TEST_CASE("the daemon fails over from master members that are killed, paused or without a leader, and fails back") {
    etcd_cluster master(role::master);
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_slave(slave.port());
    const std::size_t first = master.follower();
    fill(master.at(first), "/a/kept/", 1'000);
    sync_daemon sync(config_for(master.endpoints(first), {slave}, with_fast_failback));
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") == 1; }, patience(30s)));

    std::size_t used = connected_master(sync, master);
    CHECK(used == first);
    const auto survivor = [&] { return master.member((used + 1) % size).port(); };
    auto took = time_away(
        survivor(), at_slave, [&] { master.member(used).kill(); }, 20s);
    MESSAGE("connected member killed: " << took.count() << " ms");
    CHECK(took <= patience(next_member));
    // Check this before the first member is up: a few seconds later the daemon may fail back to it.
    CHECK(eventually([&] { return connected_master(sync, master) != first; }, patience(next_member)));
    master.member(used).start();
    wait_for(master);

    used = make_connected_lead(master, [&] { return connected_master(sync, master); });
    took = time_away(
        survivor(), at_slave, [&] { master.member(used).kill(); }, 20s);
    MESSAGE("connected leader killed: " << took.count() << " ms, the election included");
    CHECK(took <= patience(next_leader));
    master.member(used).start();
    wait_for(master);

    used = connected_master(sync, master);
    took = time_away(
        survivor(), at_slave, [&] { master.member(used).pause(); }, 30s);
    MESSAGE("connected member paused: " << took.count() << " ms");
    CHECK(took <= patience(20s));
    master.member(used).resume();
    wait_for(master);

    // During a catch-up the daemon sends requests, and a member without a leader delays them: 5 s by default.
    const std::int64_t reached = put_somehow(master.at(first), "/a/settled", "1");
    CHECK(eventually([&] { return follows_at(at_slave, reached); }, patience(20s)));
    used = connected_master(sync, master);
    const std::size_t outages = sync.logged("the master is not reachable");
    const auto begin = std::chrono::steady_clock::now();
    for (const std::size_t other : {used + 1, used + 2}) master.member(other % size).pause();
    CHECK(eventually([&] { return sync.logged("the master is not reachable") > outages; }, patience(15s)));
    took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    MESSAGE("two of three paused, third one abandoned: " << took.count() << " ms");
    CHECK(took <= patience(next_leader));  // etcd reports it after 3 to 5 s
    const auto resume_both = [&] {
        for (const std::size_t other : {used + 1, used + 2}) master.member(other % size).resume();
    };
    took = time_away(survivor(), at_slave, resume_both, 30s);
    MESSAGE("and resumed: " << took.count() << " ms, the election included");
    CHECK(took <= patience(15s));
    wait_for(master);

    if (connected_master(sync, master) == first) {
        master.member(first).kill();
        CHECK(eventually([&] { return connected_master(sync, master) != first; }, patience(10s)));
        master.member(first).start();
    }
    const auto begin_of_failback = std::chrono::steady_clock::now();
    CHECK(eventually([&] { return connected_master(sync, master) == first; }, patience(200s)));
    took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin_of_failback);
    MESSAGE("failback to the first member: " << took.count() << " ms");
    CHECK(sync.logged("failed back to a preferred endpoint of the master") >= 1);
    finish_exact(sync, master.at(first), at_slave);
}

TEST_CASE("the daemon fails over from slave members that are killed or paused, and fails back") {
    etcd_server master(role::master);
    etcd_cluster slave;
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    const std::size_t first = slave.follower();
    fill(at_master, "/a/kept/", 1'000);
    sync_daemon sync(config_for(master, {slave_entry(slave.endpoints(first))}, with_fast_failback));
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") == 1; }, patience(30s)));
    const auto used_now = [&] {
        load writer(master.port(), load_with_failures());
        return connected_slave(slave);
    };

    std::size_t used = used_now();
    CHECK(used == first);
    const auto survivor = [&]() -> etcd_client& { return slave.at((used + 1) % size); };
    auto took = time_away(
        master.port(), survivor(), [&] { slave.member(used).kill(); }, 20s);
    MESSAGE("connected member killed: " << took.count() << " ms");
    CHECK(took <= patience(next_member));
    CHECK(used_now() != first);
    slave.member(used).start();
    wait_for(slave);

    used = make_connected_lead(slave, used_now);
    took = time_away(
        master.port(), survivor(), [&] { slave.member(used).kill(); }, 20s);
    MESSAGE("connected leader killed: " << took.count() << " ms, the election included");
    CHECK(took <= patience(next_leader));
    slave.member(used).start();
    wait_for(slave);

    used = used_now();
    took = time_away(
        master.port(), survivor(), [&] { slave.member(used).pause(); }, 30s);
    MESSAGE("connected member paused: " << took.count() << " ms");
    CHECK(took <= patience(20s));
    slave.member(used).resume();
    wait_for(slave);

    used = used_now();
    for (const std::size_t other : {used + 1, used + 2}) slave.member(other % size).pause();
    std::this_thread::sleep_for(3s);
    const auto resume_both = [&] {
        for (const std::size_t other : {used + 1, used + 2}) slave.member(other % size).resume();
    };
    took = time_away(master.port(), slave.at(used), resume_both, 30s);
    MESSAGE("two of three paused and resumed: " << took.count() << " ms, the election included");
    CHECK(took <= patience(15s));
    wait_for(slave);

    if (used_now() == first) {
        slave.member(first).kill();
        CHECK(used_now() != first);
        slave.member(first).start();
    }
    CHECK(eventually([&] { return used_now() == first; }, patience(200s)));
    CHECK(sync.logged("\"failed back to a preferred endpoint\" slave=slave-1") >= 1);
    finish_exact(sync, at_master, slave.at(first));
}
