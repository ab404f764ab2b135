// SPDX-License-Identifier: Apache-2.0
// Connections to an etcd: plaintext, TLS, client certificates, users, a Unix socket.
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

/// The same kind of connection to the master and to the slave.
stage_options both_by(const listener_options& listener, const std::string& lines = {}) {
    stage_options how;
    how.master_listener = listener;
    how.slave_listener = listener;
    how.master_keys = lines;
    how.slaves = {lines};
    return how;
}

/// A first full sync, changes under load, and a restart of both etcds. Checks that all changes arrive once and in order.
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
    CHECK(on.sync.logged("held: needs approval") == 0);
}

}  // namespace

TEST_CASE("plaintext connections work with an address, a name, IPv6 and a Unix socket") {
    listener_options listener;
    SUBCASE("a name") { listener.address = "http://localhost"; }
    SUBCASE("IPv6") { listener.address = "http://[::1]"; }
    SUBCASE("a Unix socket") { listener.address = "unix"; }
    stage on(both_by(listener));
    exercise(on);
}

TEST_CASE("TLS connections work with an address, a name and IPv6") {
    const key_infrastructure keys;
    std::string address;
    SUBCASE("an address") { address = "https://127.0.0.1"; }
    SUBCASE("a name") { address = "https://localhost"; }
    SUBCASE("IPv6") { address = "https://[::1]"; }
    stage on(both_by(keys.listener(false, address), keys.trusting()));
    exercise(on);
}

TEST_CASE("a certificate for another name is accepted if tls.server_name has that name") {
    key_infrastructure keys;
    certificate_options elsewhere;
    elsewhere.names = "DNS:etcd.example";
    keys.server = keys.ca.issue("elsewhere", elsewhere);
    stage on(both_by(keys.listener(), keys.trusting(", server_name = \"etcd.example\"")));
    exercise(on);
}

TEST_CASE("one of master and slave can use TLS and the other one plaintext") {
    const key_infrastructure keys;
    stage_options how;
    SUBCASE("the master") {
        how.master_listener = keys.listener();
        how.master_keys = keys.trusting();
    }
    SUBCASE("the slave") {
        how.slave_listener = keys.listener();
        how.slaves = {keys.trusting()};
    }
    stage on(how);
    exercise(on);
}

TEST_CASE("the client certificate is sent to etcds that require one") {
    const key_infrastructure keys;
    stage on(both_by(keys.listener(true), keys.mutual()));
    exercise(on);
}

TEST_CASE("TLS ports that serve only gRPC, without HTTP/1, work") {
    for (const role side : {role::master, role::slave}) {
        if (etcd_program::of(side).serves_grpc_alone()) continue;
        MESSAGE("not supported: this etcd has no --listen-client-http-urls");
        return;
    }
    const key_infrastructure keys;
    listener_options listener = keys.listener(true);
    listener.grpc_alone = true;
    stage on(both_by(listener, keys.mutual()));
    exercise(on);
}

TEST_CASE("a user with a password works over TLS") {
    const key_infrastructure keys;
    replace_file(keys.dir.path() + "/password", "correct horse\n");
    stage_options by = both_by(keys.listener(), keys.trusting() + as_user("syncer", keys.dir.path() + "/password"));
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

TEST_CASE("the CN of the client certificate identifies the user, without a password") {
    const key_infrastructure keys;
    stage_options by = both_by(keys.listener(true), keys.mutual());
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

TEST_CASE("certificates, keys and CAs can be replaced while the daemon runs") {
    key_infrastructure keys;
    stage on(both_by(keys.listener(true), keys.mutual()));
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
    CHECK(on.sync.logged("held: needs approval") == 0);
}

TEST_CASE("insecure_skip_verify accepts any certificate, and every start logs a warning") {
    const key_infrastructure keys;
    const certificate_authority unknown(keys.dir.path(), "unknown");
    certificate_options bad;
    bad.names = "DNS:elsewhere.example";
    bad.to = -std::chrono::hours(1);
    bad.from = -std::chrono::hours(2);
    const listener_options listener{"https://127.0.0.1", unknown.issue("bad", bad), ""};
    stage on(both_by(listener, "tls = { insecure_skip_verify = true }\n"));
    constexpr const char* warning = "is not verified: anyone can impersonate it";
    fill(on.at_master, "/a/", 100);
    on.start_and_sync();
    CHECK(on.sync.logged(warning) == 2);
    CHECK(on.sync.logged("level=warn") == 2);
    on.finish();
    CHECK(on.sync.run({"verify"}) == 0);
    CHECK(on.sync.logged(warning) == 4);
}
