// SPDX-License-Identifier: Apache-2.0
// The ways to an etcd: plaintext, TLS, client certificates, users, a Unix socket.
#include "secure.hpp"
#include "stage.hpp"
#include "support/users.hpp"

#include <thread>

using namespace etcdsync::test;

namespace {

load::options some_load() {
    load::options how;
    how.prefixes = {"/a/", "/b/", "/other/"};
    how.per_second = 300;
    return how;
}

/// The same way to the master and to the slave.
stage_options both_by(const front_door& door, const std::string& lines = {}) {
    stage_options how;
    how.master_door = door;
    how.slave_door = door;
    how.master_keys = lines;
    how.slaves = {lines};
    return how;
}

/// A first copy, changes under load, a member that starts anew on either side: all of it arrives, in order, and once.
void exercise(stage& on, load::options how = some_load()) {
    fill(on.at_master, "/a/kept/", 3'000);
    on.start_and_sync();
    load writer(on.master.port(), how);
    std::this_thread::sleep_for(500ms);
    on.slave().kill();
    on.slave().start();
    std::this_thread::sleep_for(500ms);
    writer.stop();
    on.master.terminate();
    on.master.start();
    on.finish();
    INFO(on.sync.output());
    CHECK(later_full_syncs(on.sync) == 0);
    CHECK(on.sync.said("held: needs approval") == 0);
}

}  // namespace

TEST_CASE("in plaintext it works by an address, by a name, over IPv6 and over a Unix socket") {
    front_door door;
    SUBCASE("by a name") { door.address = "http://localhost"; }
    SUBCASE("over IPv6") { door.address = "http://[::1]"; }
    SUBCASE("over a Unix socket") { door.address = "unix"; }
    stage on(both_by(door));
    exercise(on);
}

TEST_CASE("over TLS it works by an address, by a name and over IPv6") {
    const key_infrastructure keys;
    std::string address;
    SUBCASE("by an address") { address = "https://127.0.0.1"; }
    SUBCASE("by a name") { address = "https://localhost"; }
    SUBCASE("over IPv6") { address = "https://[::1]"; }
    stage on(both_by(keys.door(false, address), keys.trusting()));
    exercise(on);
}

TEST_CASE("a certificate for another name is taken where tls.server_name says so") {
    key_infrastructure keys;
    certificate_options elsewhere;
    elsewhere.names = "DNS:etcd.example";
    keys.server = keys.ca.issue("elsewhere", elsewhere);
    stage on(both_by(keys.door(), keys.trusting(", server_name = \"etcd.example\"")));
    exercise(on);
}

TEST_CASE("a master over TLS and a slave in plaintext, and the reverse") {
    const key_infrastructure keys;
    stage_options how;
    SUBCASE("the master") {
        how.master_door = keys.door();
        how.master_keys = keys.trusting();
    }
    SUBCASE("the slave") {
        how.slave_door = keys.door();
        how.slaves = {keys.trusting()};
    }
    stage on(how);
    exercise(on);
}

TEST_CASE("etcds that want a client certificate get ours") {
    const key_infrastructure keys;
    stage on(both_by(keys.door(true), keys.mutual()));
    exercise(on);
}

TEST_CASE("etcds whose TLS port is gRPC's alone") {
    for (const role side : {role::master, role::slave}) {
        if (etcd_program::of(side).serves_grpc_alone()) continue;
        MESSAGE("not with this etcd: it has no --listen-client-http-urls");
        return;
    }
    const key_infrastructure keys;
    front_door door = keys.door(true);
    door.grpc_alone = true;
    stage on(both_by(door, keys.mutual()));
    exercise(on);
}

TEST_CASE("a user and a password over TLS") {
    const key_infrastructure keys;
    replace_file(keys.dir.path() + "/password", "correct horse\n");
    stage_options by = both_by(keys.door(), keys.trusting() + as_user("syncer", keys.dir.path() + "/password"));
    by.master_flags = quick_passwords;
    by.slave_flags = quick_passwords;
    stage on(by);
    users at_master(on.master);
    users at_slave(on.slave());
    for (users* of : {&at_master, &at_slave}) {
        of->add("syncer", "correct horse");
        of->grant("syncer", "readwrite", std::string("/"), "0");
    }
    at_master.switch_on(on.at_master);
    at_slave.switch_on(on.at_slave());
    load::options how = some_load();
    how.user = "root";
    how.password = users::root_password;
    exercise(on, how);
}

TEST_CASE("the name in our client certificate is the user, without a password") {
    const key_infrastructure keys;
    stage_options by = both_by(keys.door(true), keys.mutual());
    by.master_flags = quick_passwords;
    by.slave_flags = quick_passwords;
    stage on(by);
    users at_master(on.master);
    users at_slave(on.slave());
    at_master.add("etcd-sync");
    at_master.grant("etcd-sync", "read", "/a/", "/c");
    at_master.switch_on(on.at_master);
    at_slave.add("etcd-sync");
    at_slave.grant("etcd-sync", "readwrite", "/a/", "/c");
    at_slave.grant_prefix("etcd-sync", "readwrite", "/.etcd-sync/");
    at_slave.switch_on(on.at_slave());
    load::options how = some_load();
    how.user = "root";
    how.password = users::root_password;
    exercise(on, how);
}

TEST_CASE("certificates, keys and authorities are exchanged while it runs") {
    key_infrastructure keys;
    stage on(both_by(keys.door(true), keys.mutual()));
    fill(on.at_master, "/a/kept/", 1'000);
    on.start_and_sync();
    load::options how = some_load();
    how.may_fail = true;
    load writer(on.master.port(), how);
    const certificate_authority next(keys.dir.path(), "ca");
    const certificate theirs = next.issue("server");
    const certificate ours = next.issue("client", client_named("etcd-sync"));
    REQUIRE(ours.cert == keys.client.cert);
    REQUIRE(theirs.cert == keys.server.cert);
    for (etcd_server* of : {&on.slave(), &on.master}) {
        of->kill();
        of->start();
    }
    writer.stop();
    on.finish();
    INFO(on.sync.output());
    CHECK(later_full_syncs(on.sync) == 0);
    CHECK(on.sync.said("held: needs approval") == 0);
}

TEST_CASE("insecure_skip_verify takes any certificate, and every start says what that means") {
    const key_infrastructure keys;
    const certificate_authority unknown(keys.dir.path(), "unknown");
    certificate_options bad;
    bad.names = "DNS:elsewhere.example";
    bad.to = -std::chrono::hours(1);
    bad.from = -std::chrono::hours(2);
    const front_door door{"https://127.0.0.1", unknown.issue("bad", bad), ""};
    stage on(both_by(door, "tls = { insecure_skip_verify = true }\n"));
    constexpr const char* warning = "is not verified: anyone can impersonate it";
    fill(on.at_master, "/a/", 100);
    on.start_and_sync();
    CHECK(on.sync.said(warning) == 2);
    CHECK(on.sync.said("level=warn") == 2);
    on.finish();
    CHECK(on.sync.run({"verify"}) == 0);
    CHECK(on.sync.said(warning) == 4);
}
