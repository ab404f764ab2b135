// SPDX-License-Identifier: Apache-2.0
// check-config --connect: what it says of real etcds with users, and that what it says to grant is enough.
#include "guarded.hpp"

#include <csignal>
#include <thread>

using namespace etcdsync::test;

namespace {

/// Rule "a" has a hole of one key; where rule "b" goes has to be quoted.
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
constexpr const char* record = "/.etcd-sync/etcd-sync";

struct answer {
    int code = -1;
    std::string text;

    [[nodiscard]] bool holds(std::string_view part) const { return text.find(part) != std::string::npos; }
    /// The lines that grant something.
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

/// As an administrator pastes it, but for the name of the role.
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

void grant_slave(guarded& all) {
    all.at_slave.grant("syncer", "readwrite", record);
    all.at_slave.grant_prefix("syncer", "readwrite", "/a/");
    all.at_slave.grant_prefix("syncer", "readwrite", target_of_b);
}

/// Puts until it is refused for want of space. How many it takes is a matter of how fast the disk is: etcd looks at the size its
/// file had at the last commit (every 100 ms).
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

/// Is told in one go, and nothing was written anywhere.
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

TEST_CASE("where everything is granted it says so, endpoint by endpoint and rule by rule, and moves no revision") {
    guarded all({}, two_rules());
    all.at_master.grant("syncer", "read", "/a/", "/b0");
    grant_slave(all);
    all.switch_on();
    all.on.at_slave().put("/a/key", "stays");
    const unchanged stores(all.on);
    const answer told = check(all.on);
    CAPTURE(told.text);
    CHECK(told.code == 0);
    CHECK(told.holds("master: " + all.on.master.url() + ": ok\n"));
    CHECK(told.holds("master: all rules: may read keys from \"/a/\" to before \"/b0\"\n"));
    CHECK(told.holds("slave slave-1: " + all.on.slave().url() + ": ok\n"));
    CHECK(told.holds("slave slave-1: checkpoint: may read and write key \"/.etcd-sync/etcd-sync\"\n"));
    CHECK(told.holds("slave slave-1: rule \"a\": may read and write"));
    CHECK(told.holds("slave slave-1: rule \"b\": may read and write"));
    CHECK(told.grants().empty());
    const answer in_json = check(all.on, {"--json"});
    CHECK(in_json.code == 0);
    CHECK(in_json.holds("{\"schema\":1,\"exit_code\":0,"));
    CHECK_FALSE(check(all.on, {"-q"}).holds(": ok\n"));
    CHECK(stores.still());
    CHECK(all.on.at_slave().range("/a/key", "/a/kez") == key_map{{"/a/key", "stays"}});
    // Its word is as good as the work.
    all.on.start_and_sync();
    CHECK(all.on.sync.terminate() == 0);
}

TEST_CASE("the same without any user, and with one where etcd has none") {
    for (const bool with_user : {false, true}) {
        const scratch_dir secrets;
        replace_file(secrets.path() + "/password", "p\n");
        stage_options how = two_rules();
        if (with_user) how.master_keys = as_user("syncer", secrets.path() + "/password");
        stage on(how);
        const unchanged stores(on);
        const answer told = check(on);
        CAPTURE(told.text);
        CHECK(told.code == 0);
        const std::string_view not_tried = ": ok, but authentication is disabled there: the password was not tried\n";
        CHECK(told.holds(fmt::format("master: {}{}", on.master.url(), with_user ? not_tried : ": ok\n")));
        CHECK(told.holds(fmt::format("slave slave-1: {}: ok\n", on.slave().url())));
        CHECK(check(on, {"--json"}).holds(R"("state":"ok","auth_disabled":true)") == with_user);
        CHECK(stores.still());
    }
}

TEST_CASE("a wrong password is told of each cluster, ends with 77, and is not repeated") {
    guarded all({}, two_rules());
    all.write_password("wrong-canary");
    all.switch_on();
    const answer told = check(all.on);
    CAPTURE(told.text);
    CHECK(told.code == 77);
    CHECK(told.holds("master: " + all.on.master.url() + ": not usable: "));
    CHECK(told.holds("slave slave-1: " + all.on.slave().url() + ": not usable: "));
    CHECK(told.holds("authentication failed"));
    CHECK_FALSE(told.holds("canary"));
    CHECK(told.grants().empty());
}

TEST_CASE("no user where etcd wants one ends with 77 and says what to set") {
    stage on(two_rules());
    users at_slave(on.slave());
    at_slave.switch_on(on.at_slave());
    const answer told = check(on);
    CAPTURE(told.text);
    CHECK(told.code == 77);
    CHECK(told.holds("auth.user"));
    CHECK(told.grants().empty());
}

TEST_CASE("what the master does not grant is told with the line that grants it, and that line is enough") {
    guarded all({}, two_rules());
    grant_slave(all);
    all.switch_on();
    const unchanged stores(all.on);
    const answer told = check(all.on);
    CAPTURE(told.text);
    CHECK(told.code == 77);
    CHECK(told.holds("master: all rules: may NOT read keys from \"/a/\" to before \"/b0\"\n"));
    CHECK_FALSE(told.holds("consistency = \"rule\""));
    CHECK(told.grants() == std::vector<std::string>{"etcdctl role grant-permission ROLE read /a/ /b0"});
    paste(told.grants().front(), all.on.master);
    CHECK(check(all.on).code == 0);
    CHECK(stores.still());
}

TEST_CASE(
    "rights on each rule of the master, but not on what lies between: consistency = \"rule\" is offered, and does") {
    for (const std::string mode : {"all", "rule"}) {
        guarded all({}, two_rules(mode));
        // "/a/" and "/b/" alone leave "/a0" to "/b." out.
        all.at_master.grant_prefix("syncer", "read", "/a/");
        all.at_master.grant_prefix("syncer", "read", "/b/");
        grant_slave(all);
        all.at_slave.grant_prefix("syncer", "readwrite", std::string(record) + "/");
        all.switch_on();
        const answer told = check(all.on);
        CAPTURE(told.text);
        CHECK(told.code == (mode == "all" ? 77 : 0));
        CHECK(told.holds("or write consistency = \"rule\"") == (mode == "all"));
    }
}

TEST_CASE(
    "what a slave does not grant is told with a line for each rule, as a shell takes it, and those lines are enough") {
    guarded all({}, two_rules());
    all.at_master.grant("syncer", "read", "/a/", "/b0");
    all.at_slave.grant("syncer", "readwrite", record);
    all.at_slave.grant_prefix("syncer", "readwrite", "/a/");
    std::string missing;
    SUBCASE("it may read, but not write") {
        all.at_slave.grant_prefix("syncer", "read", target_of_b);
        missing = "write";
    }
    SUBCASE("it may write, but not read") {
        all.at_slave.grant_prefix("syncer", "write", target_of_b);
        missing = "read";
    }
    SUBCASE("it may do neither") { missing = "read or write"; }
    all.switch_on();
    const unchanged stores(all.on);
    const answer told = check(all.on);
    CAPTURE(told.text);
    CHECK(told.code == 77);
    CHECK(told.holds(fmt::format("slave slave-1: rule \"b\": may NOT {} keys under \"/it's\\x01here/\"\n", missing)));
    CHECK(told.holds("slave slave-1: rule \"a\": may read and write"));
    CHECK(told.grants() ==
          std::vector<std::string>{R"(etcdctl role grant-permission ROLE readwrite $'/it\x27s\x01here/' --prefix)"});
    CHECK(told.holds("ROLE is a role of user \"syncer\": etcdctl user get syncer"));
    for (const std::string& line : told.grants()) paste(line, all.on.slave());
    const answer after = check(all.on);
    CAPTURE(after.text);
    CHECK(after.code == 0);
    CHECK(stores.still());
}

TEST_CASE("nothing granted at all: the lines it prints, pasted, are all that is needed") {
    for (const std::string mode : {"all", "rule"}) {
        guarded all({}, two_rules(mode));
        all.switch_on();
        const answer told = check(all.on);
        CAPTURE(told.text);
        CHECK(told.code == 77);
        const std::size_t of_slave = told.text.find("slave slave-1: checkpoint");
        REQUIRE(of_slave != std::string::npos);
        for (const std::string& line : answer{0, told.text.substr(0, of_slave)}.grants()) paste(line, all.on.master);
        for (const std::string& line : answer{0, told.text.substr(of_slave)}.grants()) paste(line, all.on.slave());
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

TEST_CASE("an endpoint that is not reachable ends with 69, whatever else is well; a refusal counts for more") {
    const std::string nowhere = fmt::format("http://127.0.0.1:{}", free_port_pair());
    etcd_server master;
    etcd_server slave;
    master.start();
    slave.start();
    const std::string rule = "[[rule]]\nprefix = \"/a/\"\n";
    sync_daemon one(config_for(master, {slave_entry(endpoint_list({nowhere, slave.url()}))}, rule));
    CHECK(one.run({"check-config", "--connect"}, patience(20s)) == 69);
    CHECK(one.said("slave slave-1: " + nowhere + ": not usable: ") == 1);
    CHECK(one.said("slave slave-1: " + slave.url() + ": ok") == 1);
    CHECK(one.said("slave slave-1: rule \"/a/\": may read and write") == 1);
    users at_slave(slave);
    etcd_client client(slave.port());
    at_slave.switch_on(client);
    CHECK(one.run({"check-config", "--connect"}, patience(20s)) == 77);
}

TEST_CASE("an endpoint that is a member of another cluster is told, and ends with 1") {
    etcd_server master;
    etcd_server stranger;
    etcd_server slave;
    for (etcd_server* each : {&master, &stranger, &slave}) each->start();
    sync_daemon one(config_for(endpoint_list({master.url(), stranger.url()}), {slave}, "[[rule]]\nprefix = \"/a/\"\n"));
    CHECK(one.run({"check-config", "--connect"}, patience(20s)) == 1);
    CHECK(one.said("master: " + master.url() + ": ok") == 1);
    CHECK(one.said("master: " + stranger.url() + ": not usable: it is a member of cluster ") == 1);
}

TEST_CASE("a peer that takes connections and is silent ends with 69 in bounded time, and a signal ends the wait") {
    stage on(two_rules());
    on.master.pause();
    const auto begin = std::chrono::steady_clock::now();
    const answer told = check(on);
    CAPTURE(told.text);
    CHECK(told.code == 69);
    CHECK(std::chrono::steady_clock::now() - begin < patience(12s));
    CHECK(told.holds("slave slave-1: rule \"a\": may read and write"));
    // By itself it ends after 3 s for each endpoint, with another code.
    const endpoint_list silent({on.master.url(), fmt::format("http://localhost:{}", on.master.port())});
    sync_daemon other(config_for(silent, {on.slave()}, "[[rule]]\nprefix = \"/a/\"\n"));
    other.start({"check-config", "--connect"});
    REQUIRE(eventually([&] { return other.handles(SIGTERM); }, patience(3s)));
    std::this_thread::sleep_for(100ms);
    other.signal(SIGTERM);
    CHECK(other.wait(patience(10s)) == 143);
    on.master.resume();
}

TEST_CASE("over TLS: all is well; a certificate that is missing ends with 77, a server that is not trusted with 69") {
    const key_infrastructure keys;
    const certificate_authority other(keys.dir.path(), "other");
    stage_options how = two_rules();
    how.master_door = keys.door(true);
    int code = 0;
    std::string said = ": ok\n";
    SUBCASE("all is well") { how.master_keys = keys.mutual(); }
    SUBCASE("no certificate of ours") {
        how.master_keys = keys.trusting();
        code = 77;
        said = "certificate";
    }
    SUBCASE("another authority") {
        how.master_keys = fmt::format("tls = {{ ca = \"{}\" }}\n", other.file());
        code = 69;
        said = "is not trusted";
    }
    stage on(how);
    const answer told = check(on);
    CAPTURE(told.text);
    CHECK(told.code == code);
    CHECK(told.holds("master: " + on.master.url() + ": "));
    CHECK(told.holds(said));
    CHECK(told.holds("slave slave-1: rule \"a\": may read and write"));
}

TEST_CASE("a user by the CN of a certificate who lacks a permission: the file that names the user is told") {
    const key_infrastructure keys;
    stage_options how = two_rules();
    how.master_door = keys.door(true);
    how.master_keys = keys.mutual();
    stage on(how);
    users at_master(on.master);
    at_master.add("etcd-sync");
    at_master.switch_on(on.at_master);
    const answer told = check(on);
    CAPTURE(told.text);
    CHECK(told.code == 77);
    CHECK(told.grants() == std::vector<std::string>{"etcdctl role grant-permission ROLE read /a/ /b0"});
    CHECK(
        told.holds(fmt::format("  ROLE is a role of the user whose name is the CN of {0}: "
                               "openssl x509 -noout -subject -in {0}\n",
                               keys.client.cert)));
    at_master.grant("etcd-sync", "read", "/a/", "/b0");
    CHECK(check(on).code == 0);
}

TEST_CASE("a slave that is full still tells what it grants") {
    stage_options how = two_rules();
    how.slave_flags = {"--quota-backend-bytes", "16777216"};
    stage on(how);
    REQUIRE(fills_up(on.at_slave()));
    const unchanged stores(on);
    const answer told = check(on);
    CAPTURE(told.text);
    CHECK(told.code == 0);
    CHECK(stores.still());
}

TEST_CASE("a configuration with errors contacts nobody") {
    sync_daemon sync("[master]\nendpoints = [\"http://127.0.0.1:1\"]\n");
    CHECK(sync.run({"check-config", "--connect"}, patience(10s)) == 78);
    CHECK(sync.said("not usable") == 0);
}
