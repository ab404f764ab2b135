// SPDX-License-Identifier: Apache-2.0
// Two daemons with one configuration: one leads, the other stands by and takes over.
#include "handover.hpp"

#include <algorithm>
#include <csignal>
#include <set>

using namespace etcdsync::test;

namespace {

/// A daemon in a container of its own: it has another pid namespace, and there it has pid 1.
class contained_daemon {
public:
    explicit contained_daemon(std::string config) : config_(std::move(config)) {}

    /// False if this machine does not let us.
    [[nodiscard]] static bool possible() {
        const scratch_dir dir;
        process tried({"unshare", "--pid", "--fork", "--mount-proc", "true"}, dir.path() + "/output");
        return tried.wait(10s) == 0;
    }
    void start() {
        const char* const binary = std::getenv("ETCD_SYNC");
        REQUIRE(binary != nullptr);
        process_ = process(
            {"unshare", "--pid", "--fork", "--mount-proc", "--kill-child", binary, "-c", config_.config_path(), "run"},
            dir_.path() + "/output");
    }
    /// The daemon dies with the process that started it.
    void kill() { process_.kill(); }

private:
    sync_daemon config_;
    scratch_dir dir_;
    process process_;
};

}  // namespace

TEST_CASE("after a clean stop of the leader the standby follows within a second, again and again, under load") {
    stage on;
    sync_daemon second(on.config());
    load writer(on.master.port(), busy());
    start_in_order(on, on.sync, second);
    const int times = long_run() ? 20 : 3;
    for (int i = 0; i < times; ++i) {
        sync_daemon& leads = i % 2 == 0 ? on.sync : second;
        sync_daemon& waits = i % 2 == 0 ? second : on.sync;
        const auto busy_elsewhere = waits.time_without_processor();
        leads.signal(SIGTERM);
        const auto took = time_to_follow(on) - (waits.time_without_processor() - busy_elsewhere);
        MESSAGE("followed after " << took.count() << " ms");
        CHECK(took <= promised(1s));
        CHECK(leads.wait(patience(10s)) == 0);
        CHECK(leader_pid(on.at_slave()) == waits.pid());
        REQUIRE(start_standby(leads));
    }
    writer.stop();
    CHECK(second.terminate() == 0);  // if it leads, the other one takes over
    on.finish();
    const auto all = terms(on.at_slave());
    CHECK(all.size() == static_cast<std::size_t>(times) + (times % 2 == 0 ? 1 : 2));
    CHECK(on.sync.logged("held") == 0);
    CHECK(second.logged("held") == 0);
}

TEST_CASE("after the leader was killed on another host the standby follows within 12 s") {
    if (!contained_daemon::possible()) {
        MESSAGE("skipped: no permission to create a pid namespace");
        return;
    }
    stage on;
    contained_daemon first(on.config());
    load writer(on.master.port(), busy());
    first.start();
    REQUIRE(eventually([&] { return leader_pid(on.at_slave()) == 1; }, patience(20s)));
    for (int i = 0; i < (long_run() ? 10 : 1); ++i) {
        CAPTURE(i);
        REQUIRE(start_standby(on.sync));
        std::this_thread::sleep_for(std::chrono::milliseconds(700 * i));
        const auto busy_elsewhere = on.sync.time_without_processor();
        first.kill();
        const auto took = time_to_follow(on) - (on.sync.time_without_processor() - busy_elsewhere);
        MESSAGE("followed after " << took.count() << " ms");
        CHECK(took <= promised(12s));
        CHECK(took >= 3s);  // the lease had to end first
        CHECK(leader_pid(on.at_slave()) == on.sync.pid());
        // Now the other way: the one with pid 1 takes over. On this host it would see that the other one is gone, but not from
        // inside its container.
        first.start();
        std::this_thread::sleep_for(patience(5s));
        on.sync.kill();
        const auto back = time_to_follow(on);
        MESSAGE("and back after " << back.count() << " ms");
        CHECK(back <= promised(12s));
        CHECK(leader_pid(on.at_slave()) == 1);
    }
    on.sync.start();
    std::this_thread::sleep_for(patience(3s));
    first.kill();
    writer.stop();
    on.finish();
}

TEST_CASE("two containers on one host, both with pid 1, do not depose each other") {
    if (!contained_daemon::possible()) return;
    stage on;
    contained_daemon first(on.config());
    contained_daemon second(on.config());
    fill(on.at_master, "/a/", 100);
    first.start();
    REQUIRE(eventually([&] { return leader_pid(on.at_slave()) == 1; }, patience(20s)));
    const std::string leader = leader_writer(on.at_slave());
    second.start();
    std::this_thread::sleep_for(15s);
    CHECK(leader_writer(on.at_slave()) == leader);
    CHECK(terms(on.at_slave()).size() == 1);
    second.kill();
    first.kill();
    on.sync.start();
    on.finish();
}

TEST_CASE("a leader that is frozen for longer than its lease writes nothing when it wakes") {
    stage on;
    sync_daemon second(on.config());
    load writer(on.master.port(), busy());
    for (int i = 0; i < (long_run() ? 6 : 1); ++i) {
        start_in_order(on, second, on.sync);
        second.signal(SIGSTOP);
        const auto took = time_to_follow(on);
        MESSAGE("followed after " << took.count() << " ms");
        CHECK(took <= promised(12s));
        CHECK(leader_pid(on.at_slave()) == on.sync.pid());
        std::this_thread::sleep_for(long_run() ? 60s : 3s);
        const std::size_t before = second.logged(standby_line);
        second.signal(SIGCONT);
        CHECK(eventually([&] { return second.logged(standby_line) > before; }, patience(20s)));
        std::this_thread::sleep_for(patience(2s));
        CHECK(second.terminate() == 0);
        if (i > 0 || long_run()) CHECK(on.sync.terminate() == 0);
        if (long_run() && i == 5) on.sync.start();
    }
    writer.stop();
    on.finish();
    const auto all = terms(on.at_slave());
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == all.size());
    CHECK(second.logged("held") == 0);
    CHECK(on.sync.logged("held") == 0);
}

TEST_CASE("a daemon that is killed and started again on the same host continues at once") {
    stage on;
    fill(on.at_master, "/a/", 1'000);
    on.start_and_sync();
    for (int i = 0; i < 5; ++i) {
        on.sync.kill();
        on.sync.start();
        const auto took = time_to_follow(on) - on.sync.time_without_processor();
        MESSAGE("followed after " << took.count() << " ms");
        CHECK(took <= promised(1s));
    }
    CHECK(on.sync.logged("waiting for the previous etcd-sync") == 0);
    on.finish();
}

TEST_CASE("a standby on the same host takes over at once when the leader is killed") {
    stage on;
    sync_daemon second(on.config());
    load writer(on.master.port(), busy());
    start_in_order(on, second, on.sync);
    second.kill();
    const auto took = time_to_follow(on);
    MESSAGE("followed after " << took.count() << " ms");
    CHECK(took <= promised(3s));
    writer.stop();
    on.finish();
}

TEST_CASE("a restart of the slave's etcd leaves the leader as it is") {
    stage on;
    sync_daemon second(on.config());
    start_in_order(on, on.sync, second);
    load writer(on.master.port(), busy());
    std::this_thread::sleep_for(1s);
    on.slave().kill();
    std::this_thread::sleep_for(3s);
    on.slave().start();
    CHECK(on.settle());
    std::this_thread::sleep_for(15s);
    CHECK(terms(on.at_slave()).size() == 1);
    CHECK(leader_pid(on.at_slave()) == on.sync.pid());
    CHECK(second.terminate() == 0);
    writer.stop();
    on.finish();
}
