// SPDX-License-Identifier: Apache-2.0
#include "support/exact.hpp"
#include "support/exactness_checker.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace etcdsync::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

// Each selector has neighboring keys on both sides in boundary_keys().
constexpr std::string_view rules = R"(
[[rule]]
name = "motd"
key = "/motd"
[[rule]]
name = "com"
prefix = "/com/"
[[rule]]
name = "app"
prefix = "/app/"
include = ["/app/pub/", "/app/*.conf"]
exclude = ["/app/pub/secret/"]
strip = "/app/"
dest = "/x/"
[[rule]]
name = "flags"
range = ["/flags/b", "/flags/m"]
[[rule]]
name = "ff"
prefix = { hex = "2f62ff" }
[[rule]]
name = "nul"
prefix = { hex = "2f6300" }
[[rule]]
name = "tail"
range = [{ hex = "fe80" }, "\u0000"]
[[rule]]
name = "moved"
prefix = "/old/"
dest = "/new/"
[[rule]]
name = "one"
key = "/single"
dest = "/put/elsewhere"
)";

constexpr std::string_view rules_of_slave_1 = R"(rules = ["motd", "com", "app", "flags", "ff", "nul", "tail"])";
constexpr std::string_view rules_of_slave_2 =
    "rules = [\"moved\", \"one\", \"motd\", \"com\", \"ff\", \"tail\"]\ndest = \"/s2\"";

using mapped = std::optional<std::string>;

bool of_ff(std::string_view key) { return key.starts_with("/b\xff"); }
bool of_tail(std::string_view key) { return key >= "\xfe\x80"; }
bool of_com(std::string_view key) { return key.starts_with("/com/"); }

bool of_app(std::string_view key) {
    if (!key.starts_with("/app/") || key.starts_with("/app/pub/secret/")) return false;
    if (key.starts_with("/app/pub/")) return true;
    const std::string_view name = key.substr(5);
    return name.ends_with(".conf") && name.find('/') == std::string_view::npos;
}

mapped to_slave_1(std::string_view key) {
    if (of_app(key)) return "/x/" + std::string(key.substr(5));
    const bool of_flags = key >= "/flags/b" && key < "/flags/m";
    const bool of_nul = key.starts_with("/c\0"sv);
    if (key == "/motd" || of_com(key) || of_flags || of_ff(key) || of_nul || of_tail(key)) return std::string(key);
    return std::nullopt;
}

mapped to_slave_2(std::string_view key) {
    if (key.starts_with("/old/")) return "/s2/new/" + std::string(key.substr(5));
    if (key == "/single") return "/s2/put/elsewhere";
    if (key == "/motd" || of_com(key) || of_ff(key) || of_tail(key)) return "/s2" + std::string(key);
    return std::nullopt;
}

std::vector<std::string> boundary_keys() {
    std::vector<std::string> keys{
        // the fixed key
        "/motd",
        "/mot",
        "/motc",
        "/motd\0"s,
        "/motd/",
        "/motda",
        "/mote",
        "/motd0",
        // the prefix
        "/com",
        "/com.",
        "/com.\xff",
        "/com/",
        "/com/\0"s,
        "/com/a",
        "/com/a/b",
        "/com/\xff",
        "/com/\xff\xff\xff",
        "/com0",
        "/com0/",
        "/comm/a",
        "/con/",
        // include and exclude
        "/app",
        "/app/",
        "/app/a.conf",
        "/app/a.confx",
        "/app/b/a.conf",
        "/app/.conf",
        "/app/pub",
        "/app/pub/",
        "/app/pub/1",
        "/app/pub/secret",
        "/app/pub/secret/",
        "/app/pub/secret/1",
        "/app/pub/secret0",
        "/app/pub0",
        "/app0",
        "/x/",
        "/x/pub/1",
        // the range
        "/flags/a",
        "/flags/a\xff\xff",
        "/flags/b",
        "/flags/b\0"s,
        "/flags/c",
        "/flags/lzzz",
        "/flags/l\xff",
        "/flags/m",
        "/flags/m\0"s,
        "/flags/z",
        // prefixes that end in 0xff and in NUL
        "/b",
        "/b\xfe",
        "/b\xfe\xff",
        "/b\xff",
        "/b\xff\0"s,
        "/b\xff"
        "a",
        "/b\xff\xff",
        "/c",
        "/b0",
        "/c\0"s,
        "/c\0\0"s,
        "/c\0\xff"s,
        "/c\x01",
        // to the end of the key space
        "\xfe",
        "\xfe\x7f\xff",
        "\xfe\x80",
        "\xfe\x80\0"s,
        "\xff",
        "\xff\xff\xff\xff",
        "\0"s,
        "\0\xff"s,
        "\x01",
        // moved
        "/old",
        "/old/",
        "/old/1",
        "/old/\xff",
        "/old/\0"s,
        "/old0",
        "/new/1",
        "/single",
        "/singl",
        "/single0",
        "/single\0"s,
        "/put/elsewhere",
        "/s2/old/1",
    };
    std::sort(keys.begin(), keys.end());
    REQUIRE(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
    return keys;
}

std::string value_number(std::size_t n) {
    switch (n % 7) {
        case 0: return "";
        case 1: return "\0"s;
        case 2: {
            std::string all;
            for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
            return all;
        }
        case 3: return std::string(n, '\xff');
        case 4: return "plain " + std::to_string(n);
        default: return std::string(n * 37 % 5'000, static_cast<char>(n));
    }
}

key_map expected_on(const key_map& master, const key_mapping& map) {
    key_map out;
    for (const auto& [key, value] : master) {
        if (const auto to = map(key)) out.emplace(*to, value);
    }
    return out;
}

struct stage {
    stage() {
        for (etcd_server* server : {&master, &slave_1, &slave_2}) server->start();
    }
    etcd_server master{role::master};
    etcd_server slave_1;
    etcd_server slave_2;
    etcd_client at_master{master.port()};
    etcd_client at_slave_1{slave_1.port()};
    etcd_client at_slave_2{slave_2.port()};

    /// Checks that both slaves have exactly the expected keys.
    void check(std::string_view when) {
        CAPTURE(when);
        const std::int64_t marker = at_master.put("/motd", std::string(when));
        for (etcd_client* slave : {&at_slave_1, &at_slave_2}) {
            CHECK(eventually([&] { return follows_at(*slave, marker); }, patience(20s)));
        }
        const key_map now = at_master.range();
        CHECK(difference(expected_on(now, to_slave_1), keys_of(at_slave_1)) == "");
        CHECK(difference(expected_on(now, to_slave_2), keys_of(at_slave_2)) == "");
        for (etcd_client* slave : {&at_slave_1, &at_slave_2})
            CHECK(slave->range("/.etcd-sync/", "/.etcd-sync0").size() ==
                  3);  // the two keys of the checkpoint, and the leader key
    }
};

}  // namespace

TEST_CASE(
    "fixed keys, prefixes and ranges on two slaves with different rules: exactly the selected keys are copied, to "
    "exactly their targets") {
    stage on;
    const std::vector<std::string> keys = boundary_keys();
    for (std::size_t i = 0; i < keys.size(); ++i) on.at_master.put(keys[i], value_number(i));
    for (const std::string_view big : {"/com/big"sv, "\xff big"sv, "/app/pub/big"sv, "/left out/big"sv})
        on.at_master.put(big, std::string(1'000'000, 'M'));

    sync_daemon sync(config_for(
        on.master, {{on.slave_1, std::string(rules_of_slave_1)}, {on.slave_2, std::string(rules_of_slave_2)}}, rules));
    sync.start();
    on.check("first copy");
    for (std::size_t i = 0; i < keys.size(); ++i) on.at_master.put(keys[i], value_number(i + 1));
    on.at_master.put("/com/big", std::string(1'000'000, '\0'));
    on.check("every key changed");
    for (std::size_t i = 0; i < keys.size(); i += 2) on.at_master.del(keys[i]);
    on.check("every other key deleted");
    for (std::size_t i = 0; i < keys.size(); ++i) on.at_master.put(keys[i], value_number(i + 2));
    on.check("all keys put again");
    on.at_master.del("/", "0");
    on.check("a range deleted that is wider than the rules");
    on.at_master.del("\0"sv, "\0"sv);
    on.check("everything deleted");
    CHECK(keys_of(on.at_slave_1).size() == 1);
    CHECK(keys_of(on.at_slave_2).size() == 1);

    CHECK(sync.terminate() == 0);
    CHECK(check_exactness(on.at_master, on.at_slave_1, {to_slave_1, "etcd-sync", {}}).fault == "");
    CHECK(check_exactness(on.at_master, on.at_slave_2, {to_slave_2, "etcd-sync", {}}).fault == "");
    // Only this test has written to the master.
    for (const change& c : on.at_master.history(1)) CHECK(!c.key.starts_with(checkpoint_prefix));
    const auto writes = static_cast<std::int64_t>(3 * keys.size() + (keys.size() + 1) / 2 + 4 + 1 + 2 + 6);
    CHECK(on.at_master.revision() == 1 + writes);
}

TEST_CASE("a rule for all keys copies no checkpoints and keeps those of others") {
    stage on;
    on.at_master.put("/.etcd-sync/upstream", "the record of the one that feeds the master");
    on.at_master.put("/.etcd-sync/etcd-sync", "one with our name");
    on.at_master.put("/.etcd-sync", "beside");
    on.at_master.put("/.etcd-sync0", "beside");
    on.at_master.put("\0"sv, "first");
    on.at_master.put("\xff\xff", "last");
    on.at_slave_1.put("/.etcd-sync/other-instance", "of somebody else");
    sync_daemon sync(
        config_for(on.master, {on.slave_1}, "[[rule]]\nname = \"all\"\nrange = [\"\\u0000\", \"\\u0000\"]\n"));
    sync.start();
    const auto exact = [&] {
        key_map expected = on.at_master.range();
        std::erase_if(expected, [](const auto& kv) { return kv.first.starts_with(checkpoint_prefix); });
        return difference(expected, keys_of(on.at_slave_1));
    };
    CHECK(eventually([&] { return exact().empty(); }, patience(20s)));
    on.at_master.put("/.etcd-sync/upstream", "moves on");
    on.at_master.del("/.etcd-sync/etcd-sync");
    const std::int64_t last = on.at_master.put("/.etcd-sync0", "2");
    CHECK(eventually([&] { return follows_at(on.at_slave_1, last); }, patience(20s)));
    on.at_master.del("\0"sv, "\0"sv);
    CHECK(eventually([&] { return keys_of(on.at_slave_1).empty(); }, patience(20s)));
    INFO(sync.output());
    CHECK(exact() == "");
    const key_map checkpoints = on.at_slave_1.range("/.etcd-sync/", "/.etcd-sync0");
    CHECK(checkpoints.size() == 4);
    CHECK(checkpoints.contains("/.etcd-sync/etcd-sync"));
    CHECK(checkpoints.contains("/.etcd-sync/etcd-sync:manifest"));
    CHECK(checkpoints.contains("/.etcd-sync/etcd-sync:leader"));
    CHECK(checkpoints.at("/.etcd-sync/other-instance") == "of somebody else");
    CHECK(sync.terminate() == 0);
}

TEST_CASE("values up to the limit of etcd are copied by the first full sync and replicated live") {
    stage on;
    for (const std::size_t size : {1'000'000U, 1U << 20U, 1'400'000U})
        on.at_master.put("/com/first " + std::to_string(size), std::string(size, 'a'));
    sync_daemon sync(config_for(on.master, {on.slave_1, on.slave_2}, "[[rule]]\nprefix = \"/com/\"\n"));
    sync.start();
    const auto exact = [&](etcd_client& slave) { return difference(keys_of(on.at_master), keys_of(slave)); };
    const auto both = [&] { return exact(on.at_slave_1).empty() && exact(on.at_slave_2).empty(); };
    CHECK(eventually(both, patience(20s)));
    for (const std::size_t size : {1'000'000U, 1U << 20U, 1'400'000U})
        on.at_master.put("/com/live " + std::to_string(size), std::string(size, 'b'));
    on.at_master.put("/com/small", "c");
    CHECK(eventually(both, patience(20s)));
    for (int i = 0; i < 20; ++i)
        on.at_master.put("/com/many " + std::to_string(i), std::string(1'000'000, static_cast<char>('d' + i)));
    on.at_master.del("/com/first", "/com/firsu");
    INFO(sync.output());
    CHECK(eventually(both, patience(30s)));
    CHECK(exact(on.at_slave_1) == "");
    CHECK(exact(on.at_slave_2) == "");
    CHECK(sync.terminate() == 0);
}
