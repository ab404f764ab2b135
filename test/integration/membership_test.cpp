// SPDX-License-Identifier: Apache-2.0
// Members that leave a cluster and join it while the daemon uses it.
#include "away.hpp"

using namespace etcdsync::test;

namespace {

constexpr std::size_t size = etcd_cluster::size;

/// By default a cluster accepts membership changes only after it was healthy for 5 s; this flag disables the check.
const std::vector<std::string> at_once{"--strict-reconfig-check=false"};

std::string id_of(etcd_server& member) {
    const std::string status = etcdctl(member, {"endpoint", "status"});
    const std::size_t begin = status.find(", ") + 2;
    return status.substr(begin, status.find(", ", begin) - begin);
}

std::string name_of(const etcd_server& member) {
    return member.initial_cluster().substr(0, member.initial_cluster().find('='));
}

std::string peer_of(const etcd_server& member) {
    return member.initial_cluster().substr(member.initial_cluster().find('=') + 1);
}

/// Adds `joining` to the cluster of the member `through`. `all` is the --initial-cluster of all members.
void join(etcd_server& joining, etcd_server& through, const std::string& all, bool as_learner) {
    std::vector<std::string> words{"member", "add", name_of(joining), "--peer-urls=" + peer_of(joining)};
    if (as_learner) words.emplace_back("--learner");
    etcdctl(through, words);
    joining.add_flags({"--initial-cluster", all, "--initial-cluster-state", "existing"});
    joining.start_without_waiting();
}

}  // namespace

TEST_CASE("when the connected member of the master is removed, wiped and added again, the others serve meanwhile") {
    etcd_cluster master(at_once, {}, role::master);
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_slave(slave.port());
    const std::size_t first = master.follower();
    etcd_server& leaves = master.member(first);
    etcd_server& stays = master.member((first + 1) % size);
    fill(master.at(first), "/a/kept/", 1'000);
    sync_daemon sync(config_for(master.endpoints(first), {slave}, two_prefixes));
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") == 1; }, patience(30s)));
    const std::string id = id_of(leaves);
    const auto took = time_away(
        stays.port(), at_slave,
        [&] {
            etcdctl(stays, {"member", "remove", id});
        },
        20s);
    MESSAGE("connected member removed: " << took.count() << " ms");
    CHECK(took <= patience(5s));

    std::string all;
    for (std::size_t i = 0; i < size; ++i) all += (i == 0 ? "" : ",") + master.member(i).initial_cluster();
    leaves.kill();
    leaves.wipe();
    {
        load writer(stays.port(), load_with_failures());
        join(leaves, stays, all, false);
        CHECK(eventually([&] { return master.at(first).answers(); }, patience(20s)));
        std::this_thread::sleep_for(1s);
    }
    finish_exact(sync, master.at((first + 1) % size), at_slave);
}

TEST_CASE("a learner that is the first endpoint of the master or the slave is skipped") {
    etcd_cluster master(at_once, {}, role::master);
    etcd_cluster slave(at_once);
    etcd_server learner_of_master(role::master);
    etcd_server learner_of_slave;
    master.start();
    slave.start();
    fill(master.at(0), "/a/kept/", 1'000);
    const auto add_learner = [](etcd_server& learner, etcd_cluster& to) {
        std::string all = learner.initial_cluster();
        for (std::size_t i = 0; i < size; ++i) all += "," + to.member(i).initial_cluster();
        join(learner, to.member(0), all, true);
    };
    add_learner(learner_of_master, master);
    add_learner(learner_of_slave, slave);
    endpoint_list at_master = master.endpoints();
    endpoint_list at_slave = slave.endpoints();
    at_master.urls.insert(at_master.urls.begin(), learner_of_master.url());
    at_slave.urls.insert(at_slave.urls.begin(), learner_of_slave.url());
    // Learners answer, but not requests that need a voting member.
    for (etcd_server* learner : {&learner_of_master, &learner_of_slave}) {
        const auto answers = [learner] {
            try {
                return !etcdctl(*learner, {"endpoint", "status"}).empty();
            } catch (const std::runtime_error&) {
                return false;
            }
        };
        REQUIRE(eventually(answers, patience(20s)));
    }

    sync_daemon sync(config_for(at_master, {slave_entry(at_slave)}, two_prefixes));
    const auto begin = std::chrono::steady_clock::now();
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") == 1; }, patience(30s)));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    MESSAGE("in sync with two learners: " << took.count() << " ms");
    CHECK(took <= patience(5s));
    load writer(master.member(0).port(), load_with_failures());
    std::this_thread::sleep_for(2s);
    writer.stop();
    finish_exact(sync, master.at(0), slave.at(0));
    CHECK(sync.run({"verify"}, patience(30s)) == 0);
    CHECK(sync.run({"sync"}, patience(30s)) == 0);
}
