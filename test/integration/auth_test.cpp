// SPDX-License-Identifier: Apache-2.0
// Users and passwords: tokens that are forgotten, passwords that change, authentication switched on and off.
#include "away.hpp"
#include "guarded.hpp"
#include "support/metrics.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

const std::string impatient = "[replication]\nprobe_interval = \"1s\"\n";

/// Everything arrived, and the first copy was the only one.
void finish(guarded& all) {
    all.on.finish();
    INFO(all.on.sync.output());
    CHECK(later_full_syncs(all.on.sync) == 0);
    CHECK(all.on.sync.said("held: needs approval") == 0);
}

std::vector<std::string> jwt(const certificate& keys, std::string_view ttl) {
    return {"--auth-token",
            fmt::format("jwt,pub-key={},priv-key={},sign-method=RS256,ttl={}", keys.cert, keys.key, ttl)};
}

}  // namespace

TEST_CASE(
    "tokens that live for two seconds, under load: the watch goes on, and tokens are renewed as often as needed") {
    const scratch_dir place;
    std::vector<std::string> flags;
    bool by_time = false;  // else by use
    SUBCASE("simple") { flags = {"--auth-token-ttl", "2"}; }
    SUBCASE("signed (JWT)") {
        by_time = true;
        flags = jwt(rsa_key_pair(place.path()), "2s");
    }
    guarded all(flags, {.tables = impatient});
    all.grant_all();
    all.switch_on();
    fill(all.on.at_master, "/a/kept/", 2'000);
    all.on.start_and_sync();
    const long before = token_requests(all.on.slave());
    const auto seconds = long_run() ? 120s : 10s;
    load writer(all.on.master.port(), load_on({"/a/", "/b/", "/other/"}));
    std::this_thread::sleep_for(seconds);
    writer.stop();
    const long asked = token_requests(all.on.slave()) - before;
    MESSAGE("tokens asked for by the daemon at the slave in " << seconds.count() << " s: " << asked);
    CHECK(asked <= seconds.count() / 2 + 3);
    if (by_time) CHECK(asked >= seconds.count() / 2 - 3);
    // Long enough without a change for every token to be forgotten.
    std::this_thread::sleep_for(5s);
    finish(all);
}

TEST_CASE("a wrong password: 77 and one clear sentence; the daemon tries slowly, and goes on once the file is right") {
    guarded all({}, {.slaves = {"", ""}, .tables = "[replication]\nprobe_interval = \"2s\"\n"});
    all.grant_all();
    all.at_slave.switch_on(all.on.at_slave());
    fill(all.on.at_master, "/a/", 100);
    all.write_password("wrong");
    for (const char* json : {"", "--json"}) {
        std::vector<std::string> command{"sync", "--slave", "slave-1"};
        if (*json != '\0') command.emplace_back(json);
        const std::size_t before = all.on.sync.output().size();
        CHECK(all.on.sync.run(command) == 77);
        const std::string said = all.on.sync.output().substr(before);
        CAPTURE(said);
        CHECK(said.find(fmt::format("127.0.0.1:{}", all.on.slave().port())) != std::string::npos);
        CHECK(said.find("syncer") != std::string::npos);
        CHECK(said.find("authentication failed, invalid user ID or password") != std::string::npos);
    }
    const long before = token_requests(all.on.slave());
    const auto asked_since = [&] { return token_requests(all.on.slave()) - before; };
    all.on.sync.start();
    std::this_thread::sleep_for(6s);
    const long asked = asked_since();
    MESSAGE("attempts with a wrong password in 6 s: " << asked);
    CHECK(eventually([&] { return asked_since() >= 2; }, patience(20s)));
    CHECK(asked <= 12);
    // The other one has no users: the password does not matter there.
    CHECK(all.on.settle(1));
    all.write_password(guarded::password);
    all.on.finish();
    CHECK(all.on.sync.said("held: needs approval") == 0);
}

TEST_CASE("a password changed while it runs: it goes on once the file has it") {
    guarded all({}, {.tables = impatient});
    all.grant_all();
    all.switch_on();
    fill(all.on.at_master, "/a/kept/", 500);
    all.on.start_and_sync();
    load writer(all.on.master.port(), load_on({"/a/", "/b/"}));
    SUBCASE("the file first") {
        all.write_password("battery-staple");
        for (users* of : all.both) of->set_password("syncer", "battery-staple");
    }
    SUBCASE("the file later") {
        for (users* of : all.both) of->set_password("syncer", "battery-staple");
        CHECK(all.on.hears("invalid user ID or password"));
        all.write_password("battery-staple");
    }
    std::this_thread::sleep_for(1s);
    writer.stop();
    finish(all);
}

TEST_CASE(
    "authentication switched on, off and on again while it runs, with the user in the configuration from the start") {
    guarded all({}, {.tables = impatient});
    all.grant_all();
    fill(all.on.at_master, "/a/kept/", 500);
    all.on.start_and_sync();
    load::options how = load_on({"/a/", "/b/"});
    how.may_fail = true;
    load writer(all.on.master.port(), how);
    for (const bool on : {true, false, true}) {
        if (on) {
            all.switch_on();
        } else {
            for (users* of : all.both) of->switch_off();
        }
        std::this_thread::sleep_for(1s);
        const std::int64_t reached = all.on.at_master.revision();
        CHECK(eventually([&] { return follows_at(all.on.at_slave(), reached); }, patience(10s)));
    }
    writer.stop();
    finish(all);
}

TEST_CASE(
    "etcds that want a user where the configuration has none: 77, and what to set; it goes on without when they do "
    "not") {
    guarded all;
    stage bare({.tables = impatient});
    users at_slave(bare.slave());
    at_slave.switch_on(bare.at_slave());
    CHECK(bare.sync.run({"sync"}) == 77);
    CHECK(bare.sync.said("auth.user") >= 1);
    CHECK(bare.sync.said(fmt::format("127.0.0.1:{}", bare.slave().port())) >= 1);
    bare.sync.start();
    CHECK(bare.hears("auth.user", 1, 10s));
    at_slave.switch_off();
    bare.finish();
}

TEST_CASE("roles edited again and again while it runs: signed tokens (JWT) grow old, and are renewed") {
    const scratch_dir place;
    guarded all(jwt(rsa_key_pair(place.path()), "5m"), {.tables = impatient});
    all.grant_all();
    all.switch_on();
    fill(all.on.at_master, "/a/kept/", 500);
    all.on.start_and_sync();
    load writer(all.on.master.port(), load_on({"/a/", "/b/"}));
    for (users* of : all.both) of->add("somebody", "else");
    for (int i = 0; i < (long_run() ? 100 : 10); ++i) {
        for (users* of : all.both) of->grant_prefix("somebody", "read", fmt::format("/other/{}/", i));
        std::this_thread::sleep_for(200ms);
    }
    writer.stop();
    finish(all);
}

TEST_CASE("etcds that start anew have forgotten their tokens: nobody notices") {
    guarded all({}, {.tables = impatient});
    all.grant_all();
    all.switch_on();
    fill(all.on.at_master, "/a/kept/", 500);
    all.on.start_and_sync();
    load::options how = load_on({"/a/", "/b/"});
    how.may_fail = true;
    load writer(all.on.master.port(), how);
    for (int i = 0; i < 2; ++i) {
        for (etcd_server* of : {&all.on.slave(), &all.on.master}) {
            of->kill();
            of->start();
            const std::int64_t reached = all.on.at_master.revision();
            CHECK(eventually([&] { return follows_at(all.on.at_slave(), reached); }, patience(10s)));
        }
    }
    writer.stop();
    finish(all);
}

TEST_CASE(
    "three members over TLS with users: a token of one means nothing to the next, and is replaced within the call") {
    const key_infrastructure keys;
    const scratch_dir secrets;
    replace_file(secrets.path() + "/password", guarded::password);
    etcd_cluster master(quick_passwords, keys.door(), role::master);
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_slave(slave.port());
    users at_master(master.member(0));
    at_master.add("syncer", guarded::password);
    at_master.grant("syncer", "read", "/a/", "/c");
    at_master.switch_on(master.at(0));
    for (const std::size_t i : {1U, 2U}) master.at(i).log_in("root", std::string(users::root_password));
    fill(master.at(0), "/a/kept/", 500);
    sync_daemon sync(config_for(master.endpoints(), {slave}, two_prefixes, {},
                                keys.trusting() + as_user("syncer", secrets.path() + "/password")));
    sync.start();
    REQUIRE(eventually([&] { return sync.said("in sync") == 1; }, patience(30s)));
    load::options how = load_on({"/a/", "/b/", "/other/"});
    how.may_fail = true;
    for (std::size_t i = 0; i < etcd_cluster::size; ++i) {
        CAPTURE(i);
        const std::size_t other = (i + 1) % etcd_cluster::size;
        load writer(master.member(other).port(), how);
        master.member(i).kill();
        std::this_thread::sleep_for(3s);
        const std::int64_t reached = master.at(other).revision();
        CHECK(eventually([&] { return follows_at(at_slave, reached); }, patience(15s)));
        master.member(i).start();
    }
    finish_exact(sync, master.at(0), at_slave);
}
