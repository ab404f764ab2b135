// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

using namespace etcdsync::test;

namespace {

/// A Txn in flight has 5 s; the rest is for a busy machine.
const auto stop_limit = patience(8s);

/// Starts the daemon with lookups of names under hangs.example that never return.
void start_with_hanging_names(sync_daemon& sync) {
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    ::setenv("LD_PRELOAD", (here / "libhanging_names.so").c_str(), 1);
    const char* const options = std::getenv("ASAN_OPTIONS");
    const std::string before = options == nullptr ? "" : options;
    ::setenv("ASAN_OPTIONS", (before + ":verify_asan_link_order=0").c_str(), 1);
    sync.start();
    ::setenv("ASAN_OPTIONS", before.c_str(), 1);
    ::unsetenv("LD_PRELOAD");
}

}  // namespace

TEST_CASE("when the daemon is stopped under load it exits in time with 0 and leaves a consistent slave") {
    stage on;
    fill(on.at_master, "/a/", 1'000);
    load::options how;
    how.prefixes = {"/a/", "/b/"};
    load writer(on.master.port(), how);
    std::mt19937 random(3);
    for (const int number : {SIGTERM, SIGINT, SIGTERM, SIGINT, SIGTERM, SIGTERM}) {
        const std::int64_t before = checkpoint_revision(on.at_slave());
        on.sync.start();
        REQUIRE(eventually([&] { return checkpoint_revision(on.at_slave()) > before; }, patience(30s)));
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
        on.sync.signal(number);
        CHECK(on.sync.wait(stop_limit) == 0);
        const std::int64_t stopped = on.at_slave().revision();
        std::this_thread::sleep_for(20ms);
        CHECK(on.at_slave().revision() == stopped);
    }
    writer.stop();
    CHECK(on.sync.logged("stopping") == 6);
    CHECK(on.check().fault == "");
    const std::int64_t last = on.at_master.put("/a/last", "1");
    on.sync.start();
    CHECK(eventually([&] { return follows_at(on.at_slave(), last); }, patience(30s)));
    CHECK(difference(keys_of(on.at_master), keys_of(on.at_slave())) == "");
    CHECK(on.sync.terminate() == 0);
    CHECK(on.check().fault == "");
}

TEST_CASE("when the daemon is stopped during a full sync it exits in time, and the next start continues from there") {
    stage on({.tables = "[replication]\ntxn_max_bytes = \"4KiB\"\n"});
    fill(on.at_master, "/a/", 60'000);
    on.sync.start();
    REQUIRE(eventually([&] { return keys_of(on.at_slave()).size() > 500; }, patience(30s)));
    on.sync.signal(SIGTERM);
    CHECK(on.sync.wait(stop_limit) == 0);
    const std::size_t copied = keys_of(on.at_slave()).size();
    REQUIRE(copied < 60'000);
    on.start_and_sync(60s);
    CHECK(on.sync.terminate() == 0);
    CHECK(difference(keys_of(on.at_master), keys_of(on.at_slave())) == "");
    CHECK(on.check().fault == "");  // nothing was written twice
}

TEST_CASE("the daemon handles SIGTERM as soon as it has logged \"starting\"") {
    stage on({.start = false});
    for (int starts = 1; starts <= 30; ++starts) {
        on.sync.start();
        while (on.sync.running() && on.sync.logged("starting") < static_cast<std::size_t>(starts)) {}
        CHECK(on.sync.handles(SIGTERM));
        CHECK(on.sync.terminate(stop_limit) == 0);
    }
}

TEST_CASE("SIGTERM directly after its handler is installed stops the daemon with 0") {
    stage on({.start = false});
    for (int starts = 1; starts <= 30; ++starts) {
        on.sync.start();
        while (on.sync.running() && !on.sync.handles(SIGTERM)) {}
        CHECK(on.sync.terminate(stop_limit) == 0);
    }
}

TEST_CASE("when the daemon is stopped while etcds do not answer it exits in time") {
    stage on({.start = false});
    SUBCASE("no etcd is up") {
        on.sync.start();
        REQUIRE(eventually([&] { return on.sync.logged("the master is not reachable") == 1; }, patience(20s)));
        CHECK(on.sync.terminate(stop_limit) == 0);
    }
    SUBCASE("the slave is paused during a write") {
        on.master.start();
        on.slave().start();
        on.start_and_sync();
        on.slave().pause();
        on.at_master.put("/a/1", "1");
        std::this_thread::sleep_for(200ms);
        CHECK(on.sync.terminate(stop_limit) == 0);
        on.slave().resume();
        on.sync.start();
        CHECK(eventually([&] { return difference(keys_of(on.at_master), keys_of(on.at_slave())).empty(); },
                         patience(30s)));
        CHECK(on.sync.terminate() == 0);
        CHECK(on.check().fault == "");
    }
    SUBCASE("the master is paused") {
        on.master.start();
        on.slave().start();
        on.start_and_sync();
        on.master.pause();
        CHECK(on.sync.terminate(stop_limit) == 0);
        on.master.resume();
    }
}

TEST_CASE("a hanging lookup of a name delays neither the other slave nor the stop") {
    etcd_server master(role::master);
    etcd_server slave;
    master.start();
    slave.start();
    const std::string port = fmt::format(":{}", slave.port());
    const std::vector<slave_entry> slaves{
        slave_entry(endpoint_list({"http://1.hangs.example" + port, "http://2.hangs.example" + port})),
        slave_entry(endpoint_list({"http://localhost" + port}))};
    sync_daemon sync(config_for(endpoint_list({fmt::format("http://localhost:{}", master.port())}), slaves,
                                "[[rule]]\nprefix = \"/a/\"\n"));
    start_with_hanging_names(sync);
    CHECK(eventually([&] { return sync.logged("\"in sync\" slave=slave-2") == 1; }, patience(20s)));
    CHECK(eventually([&] { return sync.logged(".hangs.example: timed out") >= 1; }, patience(20s)));
    CHECK(sync.logged("\"disconnected; retrying\" slave=slave-2") == 0);
    CHECK(sync.terminate(stop_limit) == 0);
    INFO(sync.output());
    CHECK(sync.logged("stopping") == 1);
}
