// SPDX-License-Identifier: Apache-2.0
// check-config --connect against real etcds with users. Checks that the permissions it suggests are sufficient.
#include "stage_with_users.hpp"

#include <csignal>
#include <thread>

using namespace etcdsync::test;

namespace {

/// Rule "a" excludes one key. The dest of rule "b" must be quoted in a shell.
stage_options two_rules(std::string_view mode = "all") {
    stage_options how;
    how.prefixes = {};
    how.tables = fmt::format(
        "[[rule]]\nname = \"a\"\nprefix = \"/a/\"\nexclude = [\"/a/hole\"]\n"
        "[[rule]]\nname = \"b\"\nprefix = \"/b/\"\ndest = \"/it's\\u0001here/\"\n"
        "[replication]\nconsistency = \"{}\"\n",
        mode);
    return how;
}

constexpr const char* target_of_b = "/it's\x01here/";
constexpr const char* checkpoint_key = "/.etcd-sync/etcd-sync";
constexpr const char* checkpoint_end = "/.etcd-sync/etcd-sync;";

struct answer {
    int code = -1;
    std::string text;

    [[nodiscard]] bool holds(std::string_view part) const { return text.find(part) != std::string::npos; }
    /// The commands that grant permissions.
    [[nodiscard]] std::vector<std::string> grants() const {
        std::vector<std::string> lines;
        for (std::size_t at = text.find("  etcdctl role"); at != std::string::npos;
             at = text.find("  etcdctl role", at + 1))
            lines.push_back(text.substr(at + 2, text.find('\n', at) - at - 2));
        return lines;
    }
};

answer check(stage& on, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"check-config", "--connect"};
    words.insert(words.end(), more.begin(), more.end());
    const std::size_t before = on.sync.output().size();
    answer out;
    out.code = on.sync.run(words, patience(30s));
    out.text = on.sync.output().substr(before);
    return out;
}

/// Runs a printed command in a shell, with the name of the role filled in.
void paste(const std::string& line, const etcd_server& at) {
    const std::string role = " ROLE ";
    std::string command = line;
    REQUIRE(command.find(role) != std::string::npos);
    command.replace(command.find(role), role.size(), " syncer ");
    const scratch_dir dir;
    process shell({"env", "ETCDCTL_API=3", "ETCDCTL_DIAL_TIMEOUT=20s", "ETCDCTL_COMMAND_TIMEOUT=20s",
                   "ETCDCTL_ENDPOINTS=" + at.plain_url(), fmt::format("ETCDCTL_USER=root:{}", users::root_password),
                   "bash", "-c", command},
                  dir.path() + "/output");
    CAPTURE(command);
    REQUIRE(shell.wait(patience(30s)) == 0);
}

void grant_slave(stage_with_users& all) {
    all.at_slave.grant("syncer", "readwrite", checkpoint_key, checkpoint_end);
    all.at_slave.grant_prefix("syncer", "readwrite", "/a/");
    all.at_slave.grant_prefix("syncer", "readwrite", target_of_b);
}

/// Puts until the store rejects it because it is full. The number of puts depends on the disk: etcd checks the size of its file at
/// the last commit (every 100 ms).
bool fills_up(etcd_client& store) {
    const std::string value(1'000'000, 'x');
    const auto refused = [&, i = 0]() mutable {
        try {
            store.put(fmt::format("/fill/{}", i++), value);
        } catch (const std::runtime_error& e) {
            return std::string_view(e.what()).find("space exceeded") != std::string_view::npos;
        }
        return false;
    };
    return eventually(refused, patience(60s));
}

/// The revisions of the master and the slave, to check that nothing was written.
struct unchanged {
    explicit unchanged(stage& of) : on(&of), master(of.at_master.revision()), slave(of.at_slave().revision()) {}
    [[nodiscard]] bool still() const {
        return on->at_master.revision() == master && on->at_slave().revision() == slave;
    }
    stage* on;
    std::int64_t master;
    std::int64_t slave;
};

}  // namespace

TEST_CASE("if all permissions are granted, each endpoint and rule is reported as ok, and nothing is written") {
    stage_with_users all({}, two_rules());
    all.at_master.grant("syncer", "read", "/a/", "/b0");
    grant_slave(all);
    all.switch_on();
    all.on.at_slave().put("/a/key", "stays");
    const unchanged stores(all.on);
    const answer result = check(all.on);
    CAPTURE(result.text);
    CHECK(result.code == 0);
    CHECK(result.holds("master: " + all.on.master.url() + ": ok\n"));
    CHECK(result.holds("master: all rules: may read keys from \"/a/\" to before \"/b0\"\n"));
    CHECK(result.holds("slave slave-1: " + all.on.slave().url() + ": ok\n"));
    CHECK(
        result.holds("slave slave-1: checkpoint: may read and write keys from \"/.etcd-sync/etcd-sync\" to before "
                     "\"/.etcd-sync/etcd-sync;\"\n"));
    CHECK(result.holds("slave slave-1: rule \"a\": may read and write"));
    CHECK(result.holds("slave slave-1: rule \"b\": may read and write"));
    CHECK(result.grants().empty());
    const answer in_json = check(all.on, {"--json"});
    CHECK(in_json.code == 0);
    CHECK(in_json.holds("{\"schema\":1,\"exit_code\":0,"));
    CHECK_FALSE(check(all.on, {"-q"}).holds(": ok\n"));
    CHECK(stores.still());
    CHECK(all.on.at_slave().range("/a/key", "/a/kez") == key_map{{"/a/key", "stays"}});
    // The daemon works with these permissions.
    all.on.start_and_sync();
    CHECK(all.on.sync.terminate() == 0);
}

TEST_CASE("the same without a user, and with a user if authentication is disabled in etcd") {
    for (const bool with_user : {false, true}) {
        const scratch_dir secrets;
        replace_file(secrets.path() + "/password", "p\n");
        stage_options how = two_rules();
        if (with_user) how.master_keys = as_user("syncer", secrets.path() + "/password");
        stage on(how);
        const unchanged stores(on);
        const answer result = check(on);
        CAPTURE(result.text);
        CHECK(result.code == 0);
        const std::string_view not_tried = ": ok, but authentication is disabled there: the password was not tried\n";
        CHECK(result.holds(fmt::format("master: {}{}", on.master.url(), with_user ? not_tried : ": ok\n")));
        CHECK(result.holds(fmt::format("slave slave-1: {}: ok\n", on.slave().url())));
        CHECK(check(on, {"--json"}).holds(R"("state":"ok","auth_disabled":true)") == with_user);
        CHECK(stores.still());
    }
}

TEST_CASE("a wrong password is reported for each cluster, exits with 77, and is not printed") {
    stage_with_users all({}, two_rules());
    all.write_password("wrong-canary");
    all.switch_on();
    const answer result = check(all.on);
    CAPTURE(result.text);
    CHECK(result.code == 77);
    CHECK(result.holds("master: " + all.on.master.url() + ": not usable: "));
    CHECK(result.holds("slave slave-1: " + all.on.slave().url() + ": not usable: "));
    CHECK(result.holds("authentication failed"));
    CHECK_FALSE(result.holds("canary"));
    CHECK(result.grants().empty());
}

TEST_CASE("a missing user exits with 77 and prints what to set") {
    stage on(two_rules());
    users at_slave(on.slave());
    at_slave.switch_on(on.at_slave());
    const answer result = check(on);
    CAPTURE(result.text);
    CHECK(result.code == 77);
    CHECK(result.holds("auth.user"));
    CHECK(result.grants().empty());
}

TEST_CASE(
    "a missing permission on the master is reported with the command that grants it, and the command is sufficient") {
    stage_with_users all({}, two_rules());
    grant_slave(all);
    all.switch_on();
    const unchanged stores(all.on);
    const answer result = check(all.on);
    CAPTURE(result.text);
    CHECK(result.code == 77);
    CHECK(result.holds("master: all rules: may NOT read keys from \"/a/\" to before \"/b0\"\n"));
    CHECK_FALSE(result.holds("consistency = \"rule\""));
    CHECK(result.grants() == std::vector<std::string>{"etcdctl role grant-permission ROLE read /a/ /b0"});
    paste(result.grants().front(), all.on.master);
    CHECK(check(all.on).code == 0);
    CHECK(stores.still());
}

TEST_CASE(
    "permissions for each rule, but not for the keys between them: consistency = \"rule\" is suggested, and works") {
    for (const std::string mode : {"all", "rule"}) {
        stage_with_users all({}, two_rules(mode));
        // "/a/" and "/b/" do not include "/a0" to "/b.".
        all.at_master.grant_prefix("syncer", "read", "/a/");
        all.at_master.grant_prefix("syncer", "read", "/b/");
        grant_slave(all);
        all.switch_on();
        const answer result = check(all.on);
        CAPTURE(result.text);
        CHECK(result.code == (mode == "all" ? 77 : 0));
        CHECK(result.holds("or write consistency = \"rule\"") == (mode == "all"));
    }
}

TEST_CASE(
    "missing permissions on a slave are reported with one command per rule, quoted for a shell, and they are "
    "sufficient") {
    stage_with_users all({}, two_rules());
    all.at_master.grant("syncer", "read", "/a/", "/b0");
    all.at_slave.grant("syncer", "readwrite", checkpoint_key, checkpoint_end);
    all.at_slave.grant_prefix("syncer", "readwrite", "/a/");
    std::string missing;
    SUBCASE("the user may read, but not write") {
        all.at_slave.grant_prefix("syncer", "read", target_of_b);
        missing = "write";
    }
    SUBCASE("the user may write, but not read") {
        all.at_slave.grant_prefix("syncer", "write", target_of_b);
        missing = "read";
    }
    SUBCASE("the user may do neither") { missing = "read or write"; }
    all.switch_on();
    const unchanged stores(all.on);
    const answer result = check(all.on);
    CAPTURE(result.text);
    CHECK(result.code == 77);
    CHECK(result.holds(fmt::format("slave slave-1: rule \"b\": may NOT {} keys under \"/it's\\x01here/\"\n", missing)));
    CHECK(result.holds("slave slave-1: rule \"a\": may read and write"));
    CHECK(result.grants() ==
          std::vector<std::string>{R"(etcdctl role grant-permission ROLE readwrite $'/it\x27s\x01here/' --prefix)"});
    CHECK(result.holds("ROLE is a role of user \"syncer\": etcdctl user get syncer"));
    for (const std::string& line : result.grants()) paste(line, all.on.slave());
    const answer after = check(all.on);
    CAPTURE(after.text);
    CHECK(after.code == 0);
    CHECK(stores.still());
}

TEST_CASE("no permissions at all: the printed commands grant everything that is needed") {
    for (const std::string mode : {"all", "rule"}) {
        stage_with_users all({}, two_rules(mode));
        all.switch_on();
        const answer result = check(all.on);
        CAPTURE(result.text);
        CHECK(result.code == 77);
        const std::size_t of_slave = result.text.find("slave slave-1: checkpoint");
        REQUIRE(of_slave != std::string::npos);
        for (const std::string& line : answer{0, result.text.substr(0, of_slave)}.grants()) paste(line, all.on.master);
        for (const std::string& line : answer{0, result.text.substr(of_slave)}.grants()) paste(line, all.on.slave());
        const answer after = check(all.on);
        CAPTURE(after.text);
        CHECK(after.code == 0);
        fill(all.on.at_master, "/a/", 100);
        fill(all.on.at_master, "/b/", 100);
        CHECK(all.on.sync.run({"sync"}, patience(30s)) == 0);
        key_map wanted = with_prefix(keys_of(all.on.at_master), {"/a/"});
        for (const auto& [key, value] : with_prefix(keys_of(all.on.at_master), {"/b/"}))
            wanted[target_of_b + key.substr(3)] = value;
        CHECK(wanted.size() == 200);
        CHECK(difference(wanted, keys_of(all.on.at_slave())) == "");
    }
}

TEST_CASE("an unreachable endpoint exits with 69 even if all others are ok, and a denial has precedence") {
    const std::string nowhere = fmt::format("http://127.0.0.1:{}", free_port_pair());
    etcd_server master;
    etcd_server slave;
    master.start();
    slave.start();
    const std::string rule = "[[rule]]\nprefix = \"/a/\"\n";
    sync_daemon one(config_for(master, {slave_entry(endpoint_list({nowhere, slave.url()}))}, rule));
    CHECK(one.run({"check-config", "--connect"}, patience(20s)) == 69);
    CHECK(one.logged("slave slave-1: " + nowhere + ": not usable: ") == 1);
    CHECK(one.logged("slave slave-1: " + slave.url() + ": ok") == 1);
    CHECK(one.logged("slave slave-1: rule \"/a/\": may read and write") == 1);
    users at_slave(slave);
    etcd_client client(slave.port());
    at_slave.switch_on(client);
    CHECK(one.run({"check-config", "--connect"}, patience(20s)) == 77);
}

TEST_CASE("an endpoint of another cluster is reported and exits with 1") {
    etcd_server master;
    etcd_server stranger;
    etcd_server slave;
    for (etcd_server* each : {&master, &stranger, &slave}) each->start();
    sync_daemon one(config_for(endpoint_list({master.url(), stranger.url()}), {slave}, "[[rule]]\nprefix = \"/a/\"\n"));
    CHECK(one.run({"check-config", "--connect"}, patience(20s)) == 1);
    CHECK(one.logged("master: " + master.url() + ": ok") == 1);
    CHECK(one.logged("master: " + stranger.url() + ": not usable: it is a member of cluster ") == 1);
}

TEST_CASE(
    "a peer that accepts connections but never answers exits with 69 in bounded time, and a signal ends the wait") {
    stage on(two_rules());
    on.master.pause();
    const auto begin = std::chrono::steady_clock::now();
    const answer result = check(on);
    CAPTURE(result.text);
    CHECK(result.code == 69);
    CHECK(std::chrono::steady_clock::now() - begin < patience(12s));
    CHECK(result.holds("slave slave-1: rule \"a\": may read and write"));
    // Without the signal it would end after 3 s for each endpoint, with another code.
    const endpoint_list silent({on.master.url(), fmt::format("http://localhost:{}", on.master.port())});
    sync_daemon other(config_for(silent, {on.slave()}, "[[rule]]\nprefix = \"/a/\"\n"));
    other.start({"check-config", "--connect"});
    REQUIRE(eventually([&] { return other.handles(SIGTERM); }, patience(3s)));
    std::this_thread::sleep_for(100ms);
    other.signal(SIGTERM);
    CHECK(other.wait(patience(10s)) == 143);
    on.master.resume();
}

TEST_CASE("over TLS: a missing client certificate exits with 77, an untrusted server with 69") {
    const key_infrastructure keys;
    const certificate_authority other(keys.dir.path(), "other");
    stage_options how = two_rules();
    how.master_listener = keys.listener(true);
    int code = 0;
    std::string expected = ": ok\n";
    SUBCASE("valid certificates") { how.master_keys = keys.mutual(); }
    SUBCASE("no client certificate") {
        how.master_keys = keys.trusting();
        code = 77;
        expected = "certificate";
    }
    SUBCASE("another CA") {
        how.master_keys = fmt::format("tls = {{ ca = \"{}\" }}\n", other.file());
        code = 69;
        expected = "is not trusted";
    }
    stage on(how);
    const answer result = check(on);
    CAPTURE(result.text);
    CHECK(result.code == code);
    CHECK(result.holds("master: " + on.master.url() + ": "));
    CHECK(result.holds(expected));
    CHECK(result.holds("slave slave-1: rule \"a\": may read and write"));
}

TEST_CASE("if a user identified by the CN of a certificate lacks a permission, the certificate file is printed") {
    const key_infrastructure keys;
    stage_options how = two_rules();
    how.master_listener = keys.listener(true);
    how.master_keys = keys.mutual();
    stage on(how);
    users at_master(on.master);
    at_master.add("etcd-sync");
    at_master.switch_on(on.at_master);
    const answer result = check(on);
    CAPTURE(result.text);
    CHECK(result.code == 77);
    CHECK(result.grants() == std::vector<std::string>{"etcdctl role grant-permission ROLE read /a/ /b0"});
    CHECK(
        result.holds(fmt::format("  ROLE is a role of the user whose name is the CN of {0}: "
                                 "openssl x509 -noout -subject -in {0}\n",
                                 keys.client.cert)));
    at_master.grant("etcd-sync", "read", "/a/", "/b0");
    CHECK(check(on).code == 0);
}

TEST_CASE("permissions are also checked on a slave that is full") {
    stage_options how = two_rules();
    how.slave_flags = {"--quota-backend-bytes", "16777216"};
    stage on(how);
    REQUIRE(fills_up(on.at_slave()));
    const unchanged stores(on);
    const answer result = check(on);
    CAPTURE(result.text);
    CHECK(result.code == 0);
    CHECK(stores.still());
}

TEST_CASE("a configuration with errors causes no connections") {
    sync_daemon sync("[master]\nendpoints = [\"http://127.0.0.1:1\"]\n");
    CHECK(sync.run({"check-config", "--connect"}, patience(10s)) == 78);
    CHECK(sync.logged("not usable") == 0);
}
