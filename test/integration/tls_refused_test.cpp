// SPDX-License-Identifier: Apache-2.0
// What keeps us from an etcd: one clear sentence, soon; and the daemon tries again without haste.
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

/// A way to an etcd that does not lead there.
struct closed_way {
    std::string what;
    std::string sentence;          ///< what is said of it, a part
    front_door door;               ///< of the etcd; none: there is no etcd
    std::string lines;             ///< further lines of [[slave]] or [master]
    int code = 69;                 ///< of one-shot commands
    std::string scheme = "https";  ///< of the endpoint
    std::string banner;            ///< if there is no etcd: what is sent to each client
    bool silent = false;           ///< nothing at all is said
    bool warned = false;           ///< the configuration is warned of it, too
};

/// An etcd behind a relay that counts who comes; the daemon is told the relay's port.
struct blocked {
    explicit blocked(const closed_way& way) : by(way), etcd({}, way.door) {
        if (by.door.address.empty()) {
            entrance = std::make_unique<relay>(by.banner);
        } else {
            etcd.start_without_waiting();
            const std::string door = etcd.url();
            entrance = std::make_unique<relay>(static_cast<std::uint16_t>(std::stoi(door.substr(door.rfind(':') + 1))));
        }
        place = fmt::format("127.0.0.1:{}", entrance->port());
    }
    [[nodiscard]] endpoint_list endpoint() const { return endpoint_list({fmt::format("{}://{}", by.scheme, place)}); }

    closed_way by;
    etcd_server etcd;
    std::unique_ptr<relay> entrance;
    std::string place;
};

certificate_options valid(std::chrono::hours from, std::chrono::hours to) {
    certificate_options how;
    how.from = from;
    how.to = to;
    return how;
}

/// All kinds of them.
struct closed_ways {
    key_infrastructure keys;
    certificate_authority unknown{keys.dir.path(), "unknown"};
    std::vector<closed_way> all;

    closed_ways() {
        distrusted();
        refused();
        other_peers();
    }

    void shows(const std::string& what, const std::string& sentence, const certificate& theirs) {
        all.push_back({what, sentence, {"https://127.0.0.1", theirs, ""}, keys.trusting()});
    }

    void distrusted() {
        shows("of another authority", "the server's certificate is not trusted", unknown.issue("other"));
        shows("expired", "the server's certificate expired at 20",
              keys.ca.issue("expired", valid(std::chrono::hours(-20), std::chrono::hours(-10))));
        shows("not valid yet", "the server's certificate is not valid before 20",
              keys.ca.issue("early", valid(std::chrono::hours(10), std::chrono::hours(20))));
        certificate_options how;
        how.names = "DNS:elsewhere.example,IP:127.0.0.2";
        shows("for other names", "the server's certificate is for elsewhere.example, 127.0.0.2, not for 127.0.0.1",
              keys.ca.issue("elsewhere", how));
        how = {};
        how.usage = "clientAuth";
        shows("for clients only", "purpose", keys.ca.issue("clients", how));
        all.push_back({"of an authority that no file names", "set tls.ca to its CA", keys.door(), ""});
    }

    void refused() {
        certificate_options expired = client_named("etcd-sync");
        expired.to = std::chrono::hours(-1);
        expired.from = std::chrono::hours(-2);
        const std::string wanted = "the server requires a client certificate";
        const std::string not_taken = "the server refused our client certificate";
        all.push_back({"no client certificate", wanted, keys.door(true), keys.trusting(), 77});
        all.push_back({"a client certificate of another authority", not_taken, keys.door(true),
                       keys.mutual(unknown.issue("mine", client_named("etcd-sync"))), 77});
        all.push_back({"an expired client certificate", "): ours expired at 20", keys.door(true),
                       keys.mutual(keys.ca.issue("late", expired)), 77});
        all.back().warned = true;
    }

    void other_peers() {
        const std::string no_tls = "does its endpoint need http://?";
        const std::string tls = "does its endpoint need https://?";
        const std::string mail = "220 mail.example ESMTP\r\n";
        all.push_back({"TLS spoken to an etcd in plaintext", no_tls, {"http://127.0.0.1", {}, ""}, keys.trusting()});
        all.push_back({"TLS spoken to something else", no_tls, {}, keys.trusting(), 69, "https", mail});
        const std::string older_tls("\x15\x03\x02\x00\x02\x02\x46", 7);  // alert: protocol version
        all.push_back({"TLS spoken to something that only speaks an older one",
                       "does not support TLS 1.2 or later",
                       {},
                       keys.trusting(),
                       69,
                       "https",
                       older_tls});
        all.push_back({"plaintext spoken to an etcd with TLS", tls, keys.door(), "", 69, "http"});
        all.push_back({"plaintext spoken to something else", "the peer violated HTTP/2", {}, "", 69, "http", mail});
        all.push_back({"TLS spoken to nobody", "in time", {}, keys.trusting(), 69, "https", "", true});
        all.push_back({"plaintext spoken to nobody", "sends nothing", {}, "", 69, "http", "", true});
    }
};

constexpr std::string_view rule = "[[rule]]\nprefix = \"/a/\"\n";

/// One command against one of them.
struct attempt {
    attempt(const blocked& way, std::string config, bool master)
        : at(&way), what(fmt::format("{}, as {}", way.by.what, master ? "master" : "slave")),
          daemon(std::move(config)) {}
    const blocked* at;
    std::string what;
    sync_daemon daemon;
    std::size_t before = 0;
    std::chrono::steady_clock::time_point begin;
    std::chrono::milliseconds took{-1};  ///< without the time in which the other ones had the processors
};

/// All at the same time, until the last one ended. Each prints one line (verify: and a sum), within 5 s.
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
        const std::string said = one.daemon.output().substr(one.before);
        CAPTURE(one.what);
        CAPTURE(said);
        CHECK(one.daemon.wait(0ms) == one.at->by.code);
        CHECK(holds(said, one.at->place));
        CHECK(holds(said, one.at->by.sentence));
        CHECK(one.took < patience(5s));
        CHECK(holds(said, "late.pem expired at 20") == one.at->by.warned);
        CHECK(std::count(said.begin(), said.end(), '\n') <= (one.at->by.warned ? 5 : 2));
    }
    const auto slower = [](const attempt& a, const attempt& b) { return a.took < b.took; };
    const attempt& last = *std::max_element(all.begin(), all.end(), slower);
    MESSAGE(command.front() << ": the slowest after " << last.took.count() << " ms: " << last.what);
}

/// All of them, up.
std::deque<blocked> start_all(const std::vector<closed_way>& ways) {
    std::deque<blocked> all;
    for (const closed_way& way : ways) all.emplace_back(way);
    for (const blocked& at : all) {
        if (at.by.door.address.empty()) continue;
        REQUIRE(eventually([&] { return etcd_client(at.etcd.port()).answers(); }, patience(20s)));
    }
    return all;
}

}  // namespace

TEST_CASE(
    "commands that cannot reach an etcd name the endpoint and the cause in one sentence, soon, and exit 69 or 77") {
    const closed_ways ways;
    etcd_server other;
    other.start();
    const std::deque<blocked> places = start_all(ways.all);
    std::deque<attempt> all;
    for (const blocked& at : places) {
        all.emplace_back(at, config_for(other, {slave_entry(at.endpoint(), at.by.lines)}, rule), false);
        all.emplace_back(at, config_for(at.endpoint(), {slave_entry(other)}, rule, {}, at.by.lines), true);
    }
    check(all, {"sync"});
    check(all, {"sync", "--json"});
    check(all, {"verify"});
}

TEST_CASE("the daemon says once what keeps it from a slave, tries again without haste, and goes on with the others") {
    const closed_ways ways;
    etcd_server master(role::master);
    etcd_server other;
    master.start();
    other.start();
    const std::deque<blocked> all = start_all(ways.all);
    std::vector<slave_entry> slaves{slave_entry(other)};
    for (const blocked& at : all) slaves.emplace_back(at.endpoint(), at.by.lines);
    etcd_client at_master(master.port());
    etcd_client at_other(other.port());
    sync_daemon sync(config_for(master, slaves, rule));
    sync.start();
    // One that waited for the others' time-outs of 3 s would be late nearly every time.
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
    const std::string said = sync.output();
    for (const blocked& at : all) {
        const int attempts = at.entrance->accepted();
        MESSAGE(at.by.what << ": " << attempts << " attempts in " << seconds << " s");
        INFO(said);
        CHECK(attempts >= (at.by.silent || at.by.code == 77 ? 1 : 3));  // a refusal: every 10 s
        CHECK(attempts <= 12);
        CHECK(holds(said, fmt::format("{}: ", at.place)));
        CHECK(holds(said, at.by.sentence));
        CHECK(sync.said(at.place) <= 3);
    }
    CHECK(sync.terminate() == 0);
}

TEST_CASE("etcds that come back with an expired certificate: the daemon says that it is this") {
    const key_infrastructure keys;
    stage_options how{.tables = "[replication]\nprobe_interval = \"1s\"\n"};
    how.master_door = how.slave_door = keys.door();
    how.master_keys = keys.trusting();
    how.slaves = {keys.trusting()};
    stage on(how);
    on.start_and_sync();
    for (etcd_server* of : {&on.master, &on.slave()}) of->kill();
    static_cast<void>(keys.ca.issue("server", valid(std::chrono::hours(-20), std::chrono::hours(-10))));
    for (etcd_server* of : {&on.master, &on.slave()}) of->start_without_waiting();
    const std::string why = "the server's certificate expired at 20";
    CHECK(on.hears(why, 1, 20s));
    std::this_thread::sleep_for(3s);
    CHECK(on.sync.said(why) == 2);
    CHECK(on.sync.said("\"still disconnected; retrying\" slave=slave-1") >= 1);
    CHECK(on.sync.said("the master is still not reachable") >= 1);
    static_cast<void>(keys.ca.issue("server"));
    on.finish();
}
