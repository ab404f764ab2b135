// SPDX-License-Identifier: Apache-2.0
// Connections that fail: one clear message without delay, and slow retries of the daemon.
#include "secure.hpp"
#include "stage.hpp"
#include "support/relay.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <thread>

using namespace etcdsync::test;

namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// A reason why the connection to an etcd fails.
struct connection_fault {
    std::string what;
    std::string message;           ///< a part of the expected error
    listener_options listener;     ///< of the etcd; without an address there is no etcd
    std::string lines;             ///< further lines of [[slave]] or [master]
    int code = 69;                 ///< the exit code of one-shot commands
    std::string scheme = "https";  ///< of the endpoint
    std::string banner;            ///< without an etcd: what each client receives
    bool silent = false;           ///< the peer sends nothing
    bool warned = false;           ///< the configuration causes a warning, too
};

/// An etcd behind a relay that counts connections; the daemon connects to the relay.
struct faulty_etcd {
    explicit faulty_etcd(const connection_fault& of) : fault(of), etcd({}, of.listener) {
        if (fault.listener.address.empty()) {
            proxy = std::make_unique<relay>(fault.banner);
        } else {
            etcd.start_without_waiting();
            const std::string url = etcd.url();
            proxy = std::make_unique<relay>(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
        }
        address = fmt::format("127.0.0.1:{}", proxy->port());
    }
    [[nodiscard]] endpoint_list endpoint() const {
        return endpoint_list({fmt::format("{}://{}", fault.scheme, address)});
    }

    connection_fault fault;
    etcd_server etcd;
    std::unique_ptr<relay> proxy;
    std::string address;
};

certificate_options valid(std::chrono::hours from, std::chrono::hours to) {
    certificate_options how;
    how.from = from;
    how.to = to;
    return how;
}

/// All tested faults.
struct connection_faults {
    key_infrastructure keys;
    certificate_authority unknown{keys.dir.path(), "unknown"};
    std::vector<connection_fault> all;

    connection_faults() {
        untrusted_servers();
        refused_clients();
        other_peers();
    }

    void add_certificate(const std::string& what, const std::string& message, const certificate& theirs) {
        all.push_back({what, message, {"https://127.0.0.1", theirs, ""}, keys.trusting()});
    }

    void untrusted_servers() {
        add_certificate("of another CA", "the server's certificate is not trusted", unknown.issue("other"));
        add_certificate("expired", "the server's certificate expired at 20",
                        keys.ca.issue("expired", valid(std::chrono::hours(-20), std::chrono::hours(-10))));
        add_certificate("not valid yet", "the server's certificate is not valid before 20",
                        keys.ca.issue("early", valid(std::chrono::hours(10), std::chrono::hours(20))));
        certificate_options how;
        how.names = "DNS:elsewhere.example,IP:127.0.0.2";
        add_certificate("for other names",
                        "the server's certificate is for elsewhere.example, 127.0.0.2, not for 127.0.0.1",
                        keys.ca.issue("elsewhere", how));
        how = {};
        how.usage = "clientAuth";
        add_certificate("for clients only", "purpose", keys.ca.issue("clients", how));
        all.push_back({"of a CA that no file contains", "set tls.ca to its CA", keys.listener(), ""});
    }

    void refused_clients() {
        certificate_options expired = client_named("etcd-sync");
        expired.to = std::chrono::hours(-1);
        expired.from = std::chrono::hours(-2);
        const std::string wanted = "the server requires a client certificate";
        const std::string not_taken = "the server refused our client certificate";
        all.push_back({"no client certificate", wanted, keys.listener(true), keys.trusting(), 77});
        all.push_back({"a client certificate of another CA", not_taken, keys.listener(true),
                       keys.mutual(unknown.issue("mine", client_named("etcd-sync"))), 77});
        all.push_back({"an expired client certificate", "): ours expired at 20", keys.listener(true),
                       keys.mutual(keys.ca.issue("late", expired)), 77});
        all.back().warned = true;
    }

    void other_peers() {
        const std::string no_tls = "does its endpoint need http://?";
        const std::string tls = "does its endpoint need https://?";
        const std::string mail = "220 mail.example ESMTP\r\n";
        all.push_back({"TLS to an etcd without TLS", no_tls, {"http://127.0.0.1", {}, ""}, keys.trusting()});
        all.push_back({"TLS to another protocol", no_tls, {}, keys.trusting(), 69, "https", mail});
        const std::string older_tls("\x15\x03\x02\x00\x02\x02\x46", 7);  // alert: protocol version
        all.push_back({"TLS to a server with only an older version",
                       "does not support TLS 1.2 or later",
                       {},
                       keys.trusting(),
                       69,
                       "https",
                       older_tls});
        all.push_back({"plaintext to an etcd with TLS", tls, keys.listener(), "", 69, "http"});
        all.push_back({"plaintext to another protocol", "the peer violated HTTP/2", {}, "", 69, "http", mail});
        all.push_back({"TLS to a silent peer", "in time", {}, keys.trusting(), 69, "https", "", true});
        all.push_back({"plaintext to a silent peer", "sends nothing", {}, "", 69, "http", "", true});
    }
};

constexpr std::string_view rule = "[[rule]]\nprefix = \"/a/\"\n";

/// One run of a command with a fault.
struct attempt {
    attempt(const faulty_etcd& etcd, std::string config, bool master)
        : at(&etcd), what(fmt::format("{}, as {}", etcd.fault.what, master ? "master" : "slave")),
          daemon(std::move(config)) {}
    const faulty_etcd* at;
    std::string what;
    sync_daemon daemon;
    std::size_t before = 0;
    std::chrono::steady_clock::time_point begin;
    std::chrono::milliseconds took{-1};  ///< without the time when other processes had the processors
};

/// Runs all at the same time and waits for the last one. Each must print one line (verify: and a summary) within 5 s.
void check(std::deque<attempt>& all, const std::vector<std::string>& command) {
    for (attempt& one : all) {
        one.before = one.daemon.output().size();
        one.took = -1ms;
        one.daemon.start(command);
        one.begin = std::chrono::steady_clock::now();
    }
    const auto all_ended = [&] {
        const auto now = std::chrono::steady_clock::now();
        for (attempt& one : all) {
            if (one.took >= 0ms || one.daemon.running()) continue;
            one.took = std::chrono::duration_cast<std::chrono::milliseconds>(now - one.begin);
            one.took -= std::min(one.took, one.daemon.time_without_processor());
        }
        return std::none_of(all.begin(), all.end(), [](const attempt& one) { return one.took < 0ms; });
    };
    CHECK(eventually(all_ended, patience(20s)));
    for (attempt& one : all) {
        const std::string output = one.daemon.output().substr(one.before);
        CAPTURE(one.what);
        CAPTURE(output);
        CHECK(one.daemon.wait(0ms) == one.at->fault.code);
        CHECK(holds(output, one.at->address));
        CHECK(holds(output, one.at->fault.message));
        CHECK(one.took < patience(5s));
        CHECK(holds(output, "late.pem expired at 20") == one.at->fault.warned);
        CHECK(std::count(output.begin(), output.end(), '\n') <= (one.at->fault.warned ? 5 : 2));
    }
    const auto slower = [](const attempt& a, const attempt& b) { return a.took < b.took; };
    const attempt& last = *std::max_element(all.begin(), all.end(), slower);
    MESSAGE(command.front() << ": the slowest after " << last.took.count() << " ms: " << last.what);
}

/// Starts an etcd for each fault.
std::deque<faulty_etcd> start_all(const std::vector<connection_fault>& faults) {
    std::deque<faulty_etcd> all;
    for (const connection_fault& fault : faults) all.emplace_back(fault);
    for (const faulty_etcd& at : all) {
        if (at.fault.listener.address.empty()) continue;
        REQUIRE(eventually([&] { return etcd_client(at.etcd.port()).answers(); }, patience(20s)));
    }
    return all;
}

}  // namespace

TEST_CASE(
    "commands that cannot connect to an etcd soon print one line with the endpoint and the cause, and exit with 69 or "
    "77") {
    const connection_faults faults;
    etcd_server other;
    other.start();
    const std::deque<faulty_etcd> etcds = start_all(faults.all);
    std::deque<attempt> all;
    for (const faulty_etcd& at : etcds) {
        all.emplace_back(at, config_for(other, {slave_entry(at.endpoint(), at.fault.lines)}, rule), false);
        all.emplace_back(at, config_for(at.endpoint(), {slave_entry(other)}, rule, {}, at.fault.lines), true);
    }
    check(all, {"sync"});
    check(all, {"sync", "--json"});
    check(all, {"verify"});
}

TEST_CASE(
    "the daemon logs once why it cannot connect to a slave, retries slowly, and continues with the other slaves") {
    const connection_faults faults;
    etcd_server master(role::master);
    etcd_server other;
    master.start();
    other.start();
    const std::deque<faulty_etcd> all = start_all(faults.all);
    std::vector<slave_entry> slaves{slave_entry(other)};
    for (const faulty_etcd& at : all) slaves.emplace_back(at.endpoint(), at.fault.lines);
    etcd_client at_master(master.port());
    etcd_client at_other(other.port());
    sync_daemon sync(config_for(master, slaves, rule));
    sync.start();
    // If it waited for the timeouts of 3 s of the other slaves, it would be late almost every time.
    int late = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 30; ++i) {
        const std::int64_t last = at_master.put("/a/last", fmt::format("{}", i));
        const auto written = std::chrono::steady_clock::now();
        const auto without = sync.time_without_processor();
        CHECK(eventually([&] { return follows_at(at_other, last); }, patience(20s)));
        const auto took = std::chrono::steady_clock::now() - written - (sync.time_without_processor() - without);
        if (took > patience(2s)) ++late;
        std::this_thread::sleep_for(200ms);
    }
    CHECK(late <= 3);
    const auto seconds = static_cast<int>((std::chrono::steady_clock::now() - begin) / 1s);
    const std::string output = sync.output();
    for (const faulty_etcd& at : all) {
        const int attempts = at.proxy->accepted();
        MESSAGE(at.fault.what << ": " << attempts << " attempts in " << seconds << " s");
        INFO(output);
        CHECK(attempts >= (at.fault.silent || at.fault.code == 77 ? 1 : 3));  // a denial is retried every 10 s
        CHECK(attempts <= 12);
        CHECK(holds(output, fmt::format("{}: ", at.address)));
        CHECK(holds(output, at.fault.message));
        CHECK(sync.logged(at.address) <= 3);
    }
    CHECK(sync.terminate() == 0);
}

TEST_CASE("if etcds restart with an expired certificate, the daemon logs this cause") {
    const key_infrastructure keys;
    stage_options how{.tables = "[replication]\nprobe_interval = \"1s\"\n"};
    how.master_listener = how.slave_listener = keys.listener();
    how.master_keys = keys.trusting();
    how.slaves = {keys.trusting()};
    stage on(how);
    on.start_and_sync();
    for (etcd_server* of : {&on.master, &on.slave()}) of->kill();
    static_cast<void>(keys.ca.issue("server", valid(std::chrono::hours(-20), std::chrono::hours(-10))));
    for (etcd_server* of : {&on.master, &on.slave()}) of->start_without_waiting();
    const std::string why = "the server's certificate expired at 20";
    CHECK(on.await_log(why, 1, 20s));
    std::this_thread::sleep_for(3s);
    CHECK(on.sync.logged(why) == 2);
    CHECK(on.sync.logged("\"still disconnected; retrying\" slave=slave-1") >= 1);
    CHECK(on.sync.logged("the master is still not reachable") >= 1);
    static_cast<void>(keys.ca.issue("server"));
    on.finish();
}
