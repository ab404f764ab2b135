// SPDX-License-Identifier: Apache-2.0
// What keeps us from an etcd: one clear sentence, soon; and the daemon tries again without haste.
#include "secure.hpp"
#include "stage.hpp"
#include "support/relay.hpp"

#include <memory>
#include <thread>

using namespace etcdsync::test;

namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// A way to an etcd that does not lead there.
struct closed_way {
    front_door door{};             ///< of the etcd; none: there is no etcd
    std::string scheme = "https";  ///< of the endpoint
    std::string lines{};           ///< further lines of [[slave]] or [master]
    int code = 69;                 ///< of one-shot commands
    std::string sentence{};        ///< what they say, a part
    std::string greeting{};        ///< where there is no etcd: what is said to who comes
    int fewest = 2;                ///< attempts of a daemon within six seconds
};

struct said {
    int code = 0;
    std::string text;
    std::chrono::milliseconds took{};
};

said run(sync_daemon& as, const std::vector<std::string>& arguments) {
    const std::size_t before = as.output().size();
    const auto begin = std::chrono::steady_clock::now();
    said out;
    out.code = as.run(arguments, patience(30s));
    out.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    out.text = as.output().substr(before);
    return out;
}

/// An etcd behind a relay that counts who comes; the daemon is told the relay's port.
struct blocked {
    explicit blocked(const closed_way& by) : etcd({}, by.door) {
        if (by.door.address.empty()) {
            way = std::make_unique<relay>(by.greeting);
        } else {
            etcd.start();
            const std::string door = etcd.url();
            way = std::make_unique<relay>(static_cast<std::uint16_t>(std::stoi(door.substr(door.rfind(':') + 1))));
        }
        place = fmt::format("127.0.0.1:{}", way->port());
        url = fmt::format("{}://{}", by.scheme, place);
    }
    etcd_server etcd;
    std::unique_ptr<relay> way;
    std::string place;
    std::string url;
};

constexpr std::string_view rule = "[[rule]]\nprefix = \"/a/\"\n";

void check_commands(const closed_way& by, const blocked& at, const etcd_server& other) {
    sync_daemon as_slave(config_for(other, {slave_entry(endpoint_list({at.url}), by.lines)}, rule));
    sync_daemon as_master(config_for(endpoint_list({at.url}), {slave_entry(other)}, rule, {}, by.lines));
    for (sync_daemon* daemon : {&as_slave, &as_master}) {
        for (const std::vector<std::string>& command :
             {std::vector<std::string>{"sync"}, {"sync", "--json"}, {"verify"}}) {
            const said heard = run(*daemon, command);
            const std::string plain = std::to_string(heard.took.count()) + " ms: " + heard.text;
            CAPTURE(plain);
            CHECK(heard.code == by.code);
            CHECK(holds(heard.text, at.place));
            CHECK(holds(heard.text, by.sentence));
            CHECK(heard.took < patience(5'500ms));
            CHECK(std::count(heard.text.begin(), heard.text.end(), '\n') <= 2);
        }
    }
}

void check_daemon(const closed_way& by, const blocked& at, etcd_server& master, etcd_server& other) {
    etcd_client at_master(master.port());
    etcd_client at_other(other.port());
    sync_daemon sync(config_for(master, {slave_entry(endpoint_list({at.url}), by.lines), slave_entry(other)}, rule));
    const int before = at.way->taken();
    sync.start();
    std::this_thread::sleep_for(6s);
    const int attempts = at.way->taken() - before;
    const std::int64_t last = at_master.put("/a/last", "1");
    CHECK(eventually([&] { return follows_at(at_other, last); }, patience(5s)));
    CHECK(sync.terminate() == 0);
    INFO(sync.output());
    MESSAGE(by.sentence << ": " << attempts << " attempts in 6 s");
    CHECK(attempts >= by.fewest);
    CHECK(attempts <= 12);
    CHECK(sync.said(by.sentence) >= 1);
    CHECK(sync.said(by.sentence) <= 6);
    CHECK(sync.said(at.place) >= 1);
}

void check(const closed_way& by) {
    const blocked at(by);
    etcd_server master;
    etcd_server other;
    master.start();
    other.start();
    check_commands(by, at, master);
    check_daemon(by, at, master, other);
}

}  // namespace

TEST_CASE("a server we do not trust: what is wrong with its certificate is said, and it is tried again without haste") {
    key_infrastructure keys;
    const certificate_authority unknown(keys.dir.path(), "unknown");
    certificate_options is;
    closed_way by;
    by.lines = keys.trusting();
    SUBCASE("of another authority") {
        by.door = {"https://127.0.0.1", unknown.issue("other"), ""};
        by.sentence = "the server's certificate is not trusted";
    }
    SUBCASE("of an authority that no file names") {
        by.door = keys.door();
        by.lines = "";
        by.sentence = "name its CA in tls.ca";
    }
    SUBCASE("expired") {
        is.from = -std::chrono::hours(20);
        is.to = -std::chrono::hours(10);
        by.sentence = "the server's certificate expired at 20";
    }
    SUBCASE("not valid yet") {
        is.from = std::chrono::hours(10);
        by.sentence = "the server's certificate is valid from 20";
    }
    SUBCASE("for other names") {
        is.names = "DNS:elsewhere.example,IP:127.0.0.2";
        by.sentence = "the server's certificate is for elsewhere.example, 127.0.0.2, not for 127.0.0.1";
    }
    SUBCASE("for clients only") {
        is.usage = "clientAuth";
        by.sentence = "purpose";
    }
    if (by.door.address.empty()) by.door = {"https://127.0.0.1", keys.ca.issue("bad", is), ""};
    check(by);
}

TEST_CASE("a server that does not take us: 77, and what it wants") {
    key_infrastructure keys;
    const certificate_authority unknown(keys.dir.path(), "unknown");
    closed_way by;
    by.door = keys.door(true);
    by.code = 77;
    SUBCASE("without a certificate") {
        by.lines = keys.trusting();
        by.sentence = "the server wants a client certificate";
    }
    SUBCASE("with one of another authority") {
        by.lines = keys.mutual(unknown.issue("mine", client_named("etcd-sync")));
        by.sentence = "the server refused our client certificate";
    }
    SUBCASE("with an expired one") {
        certificate_options is = client_named("etcd-sync");
        is.to = std::chrono::hours(-1);
        is.from = std::chrono::hours(-2);
        by.lines = keys.mutual(keys.ca.issue("mine", is));
        by.sentence = "the server refused our client certificate";
    }
    check(by);
}

TEST_CASE("TLS spoken to who does not, and the reverse: the other scheme is proposed") {
    key_infrastructure keys;
    closed_way by;
    by.lines = keys.trusting();
    SUBCASE("an etcd in plaintext") {
        by.door.address = "http://127.0.0.1";
        by.sentence = "does its endpoint need http://?";
    }
    SUBCASE("something else than etcd") {
        by.greeting = "220 mail.example ESMTP\r\n";
        by.sentence = "the peer does not speak TLS";
    }
    SUBCASE("an etcd with TLS, asked in plaintext") {
        by.door = keys.door();
        by.scheme = "http";
        by.lines = "";
        by.sentence = "does its endpoint need https://?";
    }
    check(by);
}

TEST_CASE("a peer that takes the connection and says nothing is left in time") {
    key_infrastructure keys;
    closed_way by;
    by.fewest = 1;
    SUBCASE("with TLS") {
        by.lines = keys.trusting();
        by.sentence = "in time";
    }
    SUBCASE("in plaintext") {
        by.scheme = "http";
        by.sentence = "in time";
    }
    check(by);
}
