// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/comparison.hpp"

#include "base/random.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;
using step_kind = comparison::step_kind;

namespace {

/// The next page of `from` in `range`, starting at `key`, with at most `limit` keys.
etcd::range_page read_page(const store& from, const keys::key_range& range, const std::string& key, std::size_t limit) {
    std::vector<test::built_key> kvs;
    auto it = from.lower_bound(std::max(key, range.begin));
    while (it != from.end() && range.contains(it->first) && kvs.size() < limit) {
        kvs.push_back({it->first, it->second, static_cast<etcd::revision>(1 + it->second.size())});
        ++it;
    }
    return test::page(kvs, it != from.end() && range.contains(it->first));
}

struct differences {
    std::vector<std::string> reported;  ///< "+k" missing, "~k" different, "-k" slave only
    std::uint64_t compared = 0;
    store repaired;
};

struct page_sizes {
    base::random_source random;
    std::size_t fixed = 0;  ///< 0: random sizes
    std::size_t next() { return fixed != 0 ? fixed : 1 + random.next() % 7; }
};

/// Compares all segments starting at `from`. Applies the differences to a copy of the slave.
differences compare(const mapping& keys, const store& master, const store& slave, page_sizes sizes,
                    bool keys_only = false, const std::string& from = {}) {
    differences out;
    out.repaired = slave;
    std::string before = from;
    for (const segment& part : keys.segments()) {
        if (!part.target.end.empty() && part.target.end <= from) continue;
        comparison machine(keys, part, std::max(from, part.target.begin), keys_only);
        for (;;) {
            const comparison::step step = machine.next();
            CHECK(machine.frontier() >= before);  // it never decreases
            before = machine.frontier();
            if (step.what == step_kind::done) break;
            if (step.what == step_kind::need_master) {
                machine.add_master(read_page(master, part.source, machine.master_from(), sizes.next()));
                continue;
            }
            if (step.what == step_kind::need_slave) {
                machine.add_slave(read_page(slave, part.target, machine.slave_from(), sizes.next()));
                continue;
            }
            CHECK(step.key < machine.frontier());
            CHECK(part.target.contains(step.key));
            const char sign = step.what == step_kind::missing ? '+' : step.what == step_kind::different ? '~' : '-';
            out.reported.push_back(sign + std::string(step.key));
            if (step.what == step_kind::slave_only) {
                CHECK(step.mod_revision > 0);
                out.repaired.erase(std::string(step.key));
            } else {
                CHECK(step.owner != nullptr);
                out.repaired[std::string(step.key)] = std::string(step.value);
            }
        }
        out.compared += machine.compared();
    }
    return out;
}

/// The expected keys of the slave: the mapped selected keys, and its other keys without changes.
store expected_slave(const mapping& keys, const store& master, const store& slave) {
    store out;
    std::string key;
    for (const auto& item : slave) {
        bool ours = false;
        for (const segment& part : keys.segments())
            ours = ours || (part.target.contains(item.first) && keys.to_master(part, item.first, key));
        if (!ours) out.insert(item);
    }
    for (const auto& item : master) {
        if (keys.to_slave(item.first, key)) out[key] = item.second;
    }
    return out;
}

store random_store(base::random_source& random, std::size_t most, std::string_view front = {}) {
    store out;
    for (std::uint64_t n = random.next() % (most + 1); n > 0; --n) {
        std::string key(front);
        for (std::uint64_t length = 1 + random.next() % 3; length > 0; --length)
            key += std::string_view("\0/ab\xff", 5)[random.next() % 5];
        out[key] = std::string(random.next() % 3, 'v');
    }
    return out;
}

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("missing, different and extra keys are reported in the order of the slave's keys") {
    const mapping keys = mapping_of({prefix_rule("/a/", "/a/", "/x/")});
    const store master{{"/a/b", "1"}, {"/a/c", "2"}, {"/a/d", "3"}, {"/b/z", "9"}};
    const store slave{{"/x/a", "0"}, {"/x/c", "2"}, {"/x/d", "other"}, {"/x/e", "5"}, {"/y", "6"}};
    const differences found = compare(keys, master, slave, {base::random_source(1), 2});
    CHECK(found.reported == lines{"-/x/a", "+/x/b", "~/x/d", "-/x/e"});
    CHECK(found.compared == 3);
    CHECK(found.repaired == expected_slave(keys, master, slave));
}

TEST_CASE("equal sides have no differences, even if they are empty") {
    const mapping keys = mapping_of({prefix_rule("/a/")});
    const store both{{"/a/1", "x"}, {"/a/2", ""}};
    CHECK(compare(keys, both, both, {base::random_source(1), 1}).reported.empty());
    CHECK(compare(keys, {}, {}, {base::random_source(1), 1}).reported.empty());
}

TEST_CASE("with keys_only, values are ignored") {
    const mapping keys = mapping_of({prefix_rule("/a/")});
    const differences found = compare(keys, {{"/a/1", "x"}, {"/a/3", "x"}}, {{"/a/1", "y"}, {"/a/2", "y"}},
                                      {base::random_source(1), 1}, true);
    CHECK(found.reported == lines{"-/a/2", "+/a/3"});
}

TEST_CASE("keys that no rule selects are skipped on both sides") {
    config::rule rule = prefix_rule("/a/", "/a/", "/x/");
    rule.exclude = {"/a/*.tmp", "/a/hole/"};
    const mapping keys = mapping_of({rule});
    const store master{{"/a/k", "1"}, {"/a/k.tmp", "1"}, {"/a/hole/k", "1"}};
    const store slave{{"/x/other.tmp", "1"}, {"/x/hole/mine", "1"}};
    CHECK(compare(keys, master, slave, {base::random_source(1), 1}).reported == lines{"+/x/k"});
}

TEST_CASE("the differences do not depend on page sizes, and applying them makes the slave exact") {
    base::random_source random(7);
    config::rule globbed = prefix_rule("a", "a", "b");
    globbed.include = {"a*a", "a/", "a\xff"};
    config::rule holed = prefix_rule("");
    holed.exclude = {"/a/", "aa"};
    std::vector<mapping> mappings;
    mappings.push_back(mapping_of({prefix_rule("")}));
    mappings.push_back(mapping_of({prefix_rule("a", "a", "\xff")}));
    mappings.push_back(mapping_of({globbed}));
    mappings.push_back(mapping_of({holed}));
    mappings.push_back(mapping_of({prefix_rule("a", "a", "")}));
    mappings.push_back(mapping_of({prefix_rule("aa", "aa", "/"), prefix_rule("a", "a", "\xff")}));
    mappings.push_back(mapping_of({range_rule("\xff", "", "\xff", "b")}));
    for (int round = 0; round < 150; ++round) {
        for (const mapping& keys : mappings) {
            const store master = random_store(random, 25);
            store slave = random_store(random, 25);
            std::string target;
            for (const auto& item : master) {
                if (random.next() % 2 == 0 && keys.to_slave(item.first, target)) slave[target] = item.second;
            }
            const differences whole = compare(keys, master, slave, {base::random_source(1), 1000});
            const differences single = compare(keys, master, slave, {base::random_source(1), 1});
            const differences mixed = compare(keys, master, slave, {base::random_source(random.next()), 0});
            CHECK(whole.reported == single.reported);
            CHECK(whole.reported == mixed.reported);
            CHECK(whole.compared == mixed.compared);
            CHECK(mixed.repaired == expected_slave(keys, master, slave));
        }
    }
}

TEST_CASE("a comparison that starts at a frontier reports exactly the differences at and after it") {
    base::random_source random(8);
    const mapping keys = mapping_of({prefix_rule("a", "a", "b"), range_rule("x", "y", "x", "c")});
    for (int round = 0; round < 100; ++round) {
        store master = random_store(random, 15, "a");
        master.merge(random_store(random, 15, "x"));
        store slave = random_store(random, 15, "b");
        slave.merge(random_store(random, 15, "c"));
        const differences whole = compare(keys, master, slave, {base::random_source(1), 3});
        for (const auto& item : slave) {
            const std::string from = item.first + std::string(1, '\0');
            const differences rest = compare(keys, master, slave, {base::random_source(2), 2}, false, from);
            lines expected;
            for (const std::string& line : whole.reported) {
                if (line.substr(1) >= from) expected.push_back(line);
            }
            CHECK(rest.reported == expected);
        }
    }
}

TEST_CASE("the newest mod revision of the selected keys of the master is returned") {
    config::rule rule = prefix_rule("/a/");
    rule.exclude = {"/a/*.tmp"};
    const mapping keys = mapping_of({rule});
    const segment& part = keys.segments()[0];
    comparison machine(keys, part, part.target.begin, false);
    CHECK(machine.next().what == step_kind::need_master);
    machine.add_master(test::page({{"/a/1", "x", 30}, {"/a/2", "x", 50}, {"/a/3.tmp", "x", 90}}));
    CHECK(machine.next().what == step_kind::need_slave);
    machine.add_slave(test::page({}));
    CHECK(machine.next().what == step_kind::missing);
    CHECK(machine.next().what == step_kind::missing);
    CHECK(machine.next().what == step_kind::done);
    CHECK(machine.newest() == 50);
    CHECK(machine.compared() == 2);
}
