// SPDX-License-Identifier: Apache-2.0
// Users and passwords: expired tokens, changed passwords, authentication enabled and disabled.
#include "away.hpp"
#include "stage_with_users.hpp"
#include "support/metrics.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

const std::string short_intervals = "[replication]\nprobe_interval = \"1s\"\n";

/// Checks that the slave is exact, and that there was no full sync after the first one.
void finish(stage_with_users& all) {
    all.on.finish();
    INFO(all.on.sync.output());
    CHECK(later_full_syncs(all.on.sync) == 0);
    CHECK(all.on.sync.logged("held: needs approval") == 0);
}

std::vector<std::string> jwt(const certificate& keys, std::string_view ttl) {
    return {"--auth-token",
            fmt::format("jwt,pub-key={},priv-key={},sign-method=RS256,ttl={}", keys.cert, keys.key, ttl)};
}

}  // namespace

TEST_CASE(
    "with tokens that expire after two seconds the watch continues under load, and tokens are renewed when needed") {
    const scratch_dir place;
    std::vector<std::string> flags;
    bool by_time = false;  // false: the token expires two seconds after its last use
    SUBCASE("simple") { flags = {"--auth-token-ttl", "2"}; }
    SUBCASE("signed (JWT)") {
        by_time = true;
        flags = jwt(rsa_key_pair(place.path()), "2s");
    }
    stage_with_users all(flags, {.tables = short_intervals});
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
    MESSAGE("tokens requested by the daemon from the slave in " << seconds.count() << " s: " << asked);
    CHECK(asked <= seconds.count() / 2 + 3);
    if (by_time) CHECK(asked >= seconds.count() / 2 - 3);
    // Without changes, every token expires in this time.
    std::this_thread::sleep_for(5s);
    finish(all);
}

TEST_CASE(
    "a wrong password: commands exit with 77 and one message; the daemon retries slowly until the file is corrected") {
    stage_with_users all({}, {.slaves = {"", ""}, .tables = "[replication]\nprobe_interval = \"2s\"\n"});
    all.grant_all();
    all.at_slave.switch_on(all.on.at_slave());
    fill(all.on.at_master, "/a/", 100);
    all.write_password("wrong");
    for (const char* json : {"", "--json"}) {
        std::vector<std::string> command{"sync", "--slave", "slave-1"};
        if (*json != '\0') command.emplace_back(json);
        const std::size_t before = all.on.sync.output().size();
        CHECK(all.on.sync.run(command) == 77);
        const std::string output = all.on.sync.output().substr(before);
        CAPTURE(output);
        CHECK(output.find(fmt::format("127.0.0.1:{}", all.on.slave().port())) != std::string::npos);
        CHECK(output.find("syncer") != std::string::npos);
        CHECK(output.find("authentication failed, invalid user ID or password") != std::string::npos);
    }
    const long before = token_requests(all.on.slave());
    const auto asked_since = [&] { return token_requests(all.on.slave()) - before; };
    all.on.sync.start();
    std::this_thread::sleep_for(6s);
    const long asked = asked_since();
    MESSAGE("attempts with a wrong password in 6 s: " << asked);
    CHECK(eventually([&] { return asked_since() >= 2; }, patience(20s)));
    CHECK(asked <= 12);
    // The other slave has no users, so the password does not matter.
    CHECK(all.on.settle(1));
    all.write_password(stage_with_users::password);
    all.on.finish();
    CHECK(all.on.sync.logged("held: needs approval") == 0);
}

TEST_CASE("a password changed while the daemon runs: it continues when the file has the new password") {
    stage_with_users all({}, {.tables = short_intervals});
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
        CHECK(all.on.await_log("invalid user ID or password"));
        all.write_password("battery-staple");
    }
    std::this_thread::sleep_for(1s);
    writer.stop();
    finish(all);
}

TEST_CASE("authentication enabled, disabled and enabled again while the daemon runs with a configured user") {
    stage_with_users all({}, {.tables = short_intervals});
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
    "etcds that require a user that is not configured: exit 77 and what to set; the daemon continues when "
    "authentication is disabled") {
    stage_with_users all;
    stage bare({.tables = short_intervals});
    users at_slave(bare.slave());
    at_slave.switch_on(bare.at_slave());
    CHECK(bare.sync.run({"sync"}) == 77);
    CHECK(bare.sync.logged("auth.user") >= 1);
    CHECK(bare.sync.logged(fmt::format("127.0.0.1:{}", bare.slave().port())) >= 1);
    bare.sync.start();
    CHECK(bare.await_log("auth.user", 1, 10s));
    at_slave.switch_off();
    bare.finish();
}

TEST_CASE("roles edited repeatedly while the daemon runs: signed tokens (JWT) become invalid and are renewed") {
    const scratch_dir place;
    stage_with_users all(jwt(rsa_key_pair(place.path()), "5m"), {.tables = short_intervals});
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

TEST_CASE("restarted etcds have lost their tokens: the daemon requests new ones and continues") {
    stage_with_users all({}, {.tables = short_intervals});
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
    "three members over TLS with users: the token of one member is invalid for the next, and is replaced in the call") {
    const key_infrastructure keys;
    const scratch_dir secrets;
    replace_file(secrets.path() + "/password", stage_with_users::password);
    etcd_cluster master(quick_passwords, keys.listener(), role::master);
    etcd_server slave;
    master.start();
    slave.start();
    etcd_client at_slave(slave.port());
    users at_master(master.member(0));
    at_master.add("syncer", stage_with_users::password);
    at_master.grant("syncer", "read", "/a/", "/c");
    at_master.switch_on(master.at(0));
    for (const std::size_t i : {1U, 2U}) master.at(i).log_in("root", std::string(users::root_password));
    fill(master.at(0), "/a/kept/", 500);
    sync_daemon sync(config_for(master.endpoints(), {slave}, two_prefixes, {},
                                keys.trusting() + as_user("syncer", secrets.path() + "/password")));
    sync.start();
    REQUIRE(eventually([&] { return sync.logged("in sync") == 1; }, patience(30s)));
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
