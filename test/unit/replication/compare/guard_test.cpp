// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/guard.hpp"

#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

mapping two_rules() {
    config::rule app = prefix_rule("/a/");
    app.name = "app";
    config::rule base = prefix_rule("/b/");
    base.name = "base";
    base.replay_deletes = false;
    return mapping_of({app, base});
}

census counted(std::uint64_t on_slave, std::uint64_t overwrites, std::uint64_t removals) {
    census out(2);
    out.rules[0] = {on_slave, overwrites, removals};
    return out;
}

guard_policy with(config::prune_mode prune, config::delete_limit limit = {}) {
    guard_policy out;
    out.safety.prune = prune;
    out.safety.max_delete = limit;
    return out;
}

const guard_policy defaults = with(config::prune_mode::guarded);

}  // namespace

TEST_CASE("deletes above max_delete are held, and the reason has the rule, the numbers and some keys") {
    const mapping keys = two_rules();
    census found = counted(41'022, 0, 9'310);
    found.touched = {"/a/x", std::string("/a/\x01", 4)};
    const std::string why = guard_violation(keys, found, defaults, evidence::proven);
    for (const char* part : {"app", "9310", "41022", "10%", "/a/x", "/a/\\x01"}) {
        CAPTURE(part);
        CHECK(why.find(part) != std::string::npos);
    }
    CHECK(guard_violation(keys, counted(41'022, 0, 4'102), defaults, evidence::proven).empty());
    CHECK_FALSE(guard_violation(keys, counted(41'022, 0, 4'103), defaults, evidence::proven).empty());
}

TEST_CASE("up to 100 deletes are allowed if the master is verified") {
    const mapping keys = two_rules();
    CHECK(guard_violation(keys, counted(100, 0, 100), defaults, evidence::proven).empty());
    CHECK_FALSE(guard_violation(keys, counted(101, 0, 101), defaults, evidence::proven).empty());
    CHECK_FALSE(guard_violation(keys, counted(100, 0, 11), defaults, evidence::unproven).empty());
}

TEST_CASE("overwrites count only if the master is not verified") {
    const mapping keys = two_rules();
    CHECK(guard_violation(keys, counted(1'000, 1'000, 0), defaults, evidence::proven).empty());
    CHECK_FALSE(guard_violation(keys, counted(1'000, 101, 0), defaults, evidence::unproven).empty());
    CHECK_FALSE(guard_violation(keys, counted(1'000, 51, 50), defaults, evidence::unproven).empty());
    CHECK(guard_violation(keys, counted(1'000, 50, 50), defaults, evidence::unproven).empty());
    CHECK_FALSE(guard_violation(keys, counted(1, 1, 0), defaults, evidence::unproven).empty());
}

TEST_CASE("max_delete may be a number of keys") {
    const mapping keys = two_rules();
    const guard_policy by = with(config::prune_mode::guarded, {false, 500});
    CHECK(guard_violation(keys, counted(501, 0, 500), by, evidence::proven).empty());
    CHECK_FALSE(guard_violation(keys, counted(1'000'000, 0, 501), by, evidence::proven).empty());
}

TEST_CASE("each rule is checked separately") {
    const mapping keys = two_rules();
    census found = counted(1'000'000, 0, 0);
    found.rules[1] = {200, 0, 150};
    const std::string why = guard_violation(keys, found, defaults, evidence::proven);
    CHECK(why.find("base") != std::string::npos);
}

TEST_CASE("approved changes are allowed, and with prune = always so are all changes of a verified master") {
    const mapping keys = two_rules();
    guard_policy approved = defaults;
    approved.approved = true;
    CHECK(guard_violation(keys, counted(1'000, 1'000, 1'000), approved, evidence::unproven).empty());
    const guard_policy always = with(config::prune_mode::always);
    CHECK(guard_violation(keys, counted(1'000, 0, 1'000), always, evidence::proven).empty());
    CHECK_FALSE(guard_violation(keys, counted(1'000, 0, 1'000), always, evidence::unproven).empty());
}

TEST_CASE("a full sync of an empty span is allowed") {
    CHECK(guard_violation(two_rules(), counted(0, 0, 0), defaults, evidence::unproven).empty());
}

TEST_CASE("a key that is only on the slave is removed, foreign or kept") {
    const mapping keys = two_rules();
    const std::vector<span> spans{{{"/a/", "/b0"}, 20}};
    const auto disposition_for = [&](config::prune_mode mode, std::size_t rule, revision mod) {
        config::safety safety;
        safety.prune = mode;
        return disposition_of(keys, rule, safety, spans, rule == 0 ? "/a/k" : "/b/k", mod);
    };
    CHECK(disposition_for(config::prune_mode::guarded, 0, 21) == disposition::remove);
    CHECK(disposition_for(config::prune_mode::guarded, 0, 20) == disposition::foreign);
    CHECK(disposition_for(config::prune_mode::always, 0, 20) == disposition::remove);
    CHECK(disposition_for(config::prune_mode::off, 0, 21) == disposition::kept);
    CHECK(disposition_for(config::prune_mode::always, 1, 21) == disposition::kept);  // delete = false
}

TEST_CASE("a census counts all keys and keeps a few of them as examples") {
    census found(2);
    for (int i = 0; i < 20; ++i) {
        found.note_overwrite(0, "o" + std::to_string(i), false);
        found.note_slave_only(1, disposition::remove, "r" + std::to_string(i));
        found.note_slave_only(1, disposition::foreign, "f" + std::to_string(i));
        found.note_slave_only(1, disposition::kept, "k");
    }
    CHECK(found.rules[0].overwrites == 20);
    CHECK(found.rules[1].removals == 20);
    CHECK(found.removals() == 20);
    CHECK(found.foreign == 20);
    CHECK(found.kept == 20);
    CHECK(found.touched.size() <= 5);
    CHECK(listed(found.foreign_keys) == "f0, f1, f2, f3, f4");
}

namespace {

/// 1,000 keys of the slave, some of them differ.
census differing(std::uint64_t explained, std::uint64_t unexplained, std::uint64_t removals,
                 std::uint64_t on_slave = 1'000) {
    census out(2);
    out.rules[0].on_slave = on_slave;
    for (std::uint64_t i = 0; i < explained; ++i) out.note_overwrite(0, "/a/k", true);
    for (std::uint64_t i = 0; i < unexplained; ++i) out.note_overwrite(0, "/a/k", false);
    out.rules[0].removals = removals;
    return out;
}

bool is_held(const census& found) {
    return !guard_violation(two_rules(), found, defaults, evidence::continuous).empty();
}

}  // namespace

TEST_CASE("with a continuous history, overwrites that the master's changes explain are free, unexplained ones count") {
    CHECK_FALSE(is_held(differing(1'000, 0, 0)));
    CHECK_FALSE(is_held(differing(1, 0, 0, 1)));  // a rule with one hot key
    CHECK_FALSE(is_held(differing(900, 100, 0)));
    CHECK(is_held(differing(0, 101, 0)));
    CHECK(is_held(differing(0, 1, 0, 1)));
    CHECK(is_held(differing(0, 1, 100)));  // then deletes count with them
    CHECK(guard_violation(two_rules(), differing(1'000, 0, 0), defaults, evidence::unproven) != "");
    CHECK(guard_violation(two_rules(), differing(0, 1'000, 0), defaults, evidence::proven) == "");
}

TEST_CASE(
    "with a continuous history, deletes are held above max_delete and 100 keys, and always above half of the keys") {
    CHECK_FALSE(is_held(differing(5, 0, 100)));
    CHECK(is_held(differing(5, 0, 101)));
    CHECK_FALSE(is_held(differing(0, 0, 3, 16)));
    CHECK_FALSE(is_held(differing(0, 0, 8, 16)));
    CHECK(is_held(differing(0, 0, 9, 16)));
    const guard_policy wide = with(config::prune_mode::guarded, {true, 90});
    CHECK(
        guard_violation(two_rules(), differing(0, 0, 600), wide, evidence::continuous) ==
        "would delete 600 of the 1000 keys of rule \"app\", above half of them, the limit if the history of the master "
        "is not proven: ");
}

TEST_CASE("deletes of a proven master are free if the slave has exactly the keys it had when it equaled the master") {
    const mapping keys = two_rules();
    census found = counted(1'000, 0, 900);
    found.rules[1].on_slave = 50;
    found.foreign = 30;
    found.kept = 10;
    found.expected = 1'010;
    CHECK(found.is_untouched());
    CHECK(guard_violation(keys, found, defaults, evidence::proven).empty());
    CHECK_FALSE(guard_violation(keys, found, defaults, evidence::continuous).empty());
    CHECK_FALSE(guard_violation(keys, found, defaults, evidence::unproven).empty());
    found.expected = 1'009;  // another client put a key
    CHECK_FALSE(guard_violation(keys, found, defaults, evidence::proven).empty());
    found.expected.reset();
    CHECK_FALSE(guard_violation(keys, found, defaults, evidence::proven).empty());
}
