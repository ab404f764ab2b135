// SPDX-License-Identifier: Apache-2.0
#include "replication/record/migration.hpp"

#include "replication/record/start_plan.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

constexpr const char* all_key = "/.etcd-sync/it";

std::vector<config::rule> three_rules() { return {prefix_rule("/a/"), prefix_rule("/b/"), prefix_rule("/c/")}; }

record_set one_for_all(const std::vector<config::rule>& rules) {
    record_set out(checkpoints, "it", config::consistency_mode::all);
    out.add(all_mode_keys(checkpoints, "it"), mapping_of(rules));
    return out;
}

/// One checkpoint per rule. The prefix of a rule is its name.
record_set one_per_rule(const std::vector<config::rule>& rules) {
    record_set out(checkpoints, "it", config::consistency_mode::rule);
    for (std::size_t i = 0; i < rules.size(); ++i) {
        out.add(rule_keys(checkpoints, "it", rules[i].select.begin), mapping_of_one(rules, i));
    }
    return out;
}

checkpoint checkpoint_for(const mapping& keys, revision rev, revision since) {
    checkpoint out;
    out.cluster_id = 77;
    out.rev = rev;
    out.rules = keys.digest();
    out.spans = spans_for(keys, {}, since);
    out.writer = "someone";
    out.seq = static_cast<std::uint64_t>(rev);
    return out;
}

/// A slave with the checkpoints of `set`, at revisions 100, 101, ... with claims since 10, 11, ...
found_records slave_with(const record_set& set) {
    found_records out;
    out.at = 500;
    revision n = 0;
    for (const wanted_record& wanted : set.wanted()) {
        out.records.push_back({wanted.at, encode(checkpoint_for(wanted.keys, 100 + n, 10 + n))});
        ++n;
    }
    return out;
}

const checkpoint* step_for(const migration& plan, std::string_view key) {
    for (const migration_step& step : plan.steps) {
        if (step.at.position == key) return step.record ? &*step.record : nullptr;
    }
    return nullptr;
}

std::set<std::string> deleted(const migration& plan) {
    std::set<std::string> keys;
    for (const migration_step& step : plan.steps) {
        if (!step.record) keys.insert(step.at.position);
    }
    return keys;
}

found_records after(found_records found, const migration& plan) {
    for (const migration_step& step : plan.steps) {
        std::erase_if(found.records, [&step](const found_record& r) { return r.at.position == step.at.position; });
        if (step.record) found.records.push_back({step.at, encode(*step.record)});
    }
    std::ranges::sort(found.records, {}, [](const found_record& r) { return r.at.position; });
    return found;
}

/// The start of the claim that contains a key of the slave, or -1.
revision since_of(const std::vector<span>& spans, std::string_view key) {
    for (const span& s : spans) {
        if (s.keys.contains(key)) return s.since;
    }
    return -1;
}

}  // namespace

TEST_CASE("every rule name has its own checkpoint key, in which plain names are readable") {
    const auto key = [](std::string_view rule) { return rule_keys("/.etcd-sync/", "it", rule).position; };
    CHECK(key("app") == "/.etcd-sync/it/app");
    CHECK(key("/config/app/") == "/.etcd-sync/it//config/app/");
    CHECK(key("[/a, /n)") == "/.etcd-sync/it/[/a,%20/n)");
    CHECK(key("100%") == "/.etcd-sync/it/100%25");
    CHECK(key(std::string_view("\0\xff", 2)) == "/.etcd-sync/it/%00%FF");
    // A name that looks like an encoded one is encoded again.
    CHECK(key("%20") != key(" "));
    std::set<std::string> keys;
    int names = 0;
    for (int a = 0; a < 256; ++a) {
        for (const std::string_view rest : {"", "%", "20", "%20", "/", " "}) {
            keys.insert(key(static_cast<char>(a) + std::string(rest)));
            ++names;
        }
    }
    CHECK(keys.size() == static_cast<std::size_t>(names));
}

TEST_CASE("if there are only checkpoints of the current mode, there is nothing to migrate") {
    const auto rules = three_rules();
    for (const record_set& set : {one_for_all(rules), one_per_rule(rules)}) {
        CHECK(plan_migration({}, set).steps.empty());
        CHECK(plan_migration(slave_with(set), set).steps.empty());
        // The link handles an unreadable checkpoint of the current mode.
        found_records junk = slave_with(set);
        junk.records.front().text.position = "junk";
        CHECK(plan_migration(junk, set).steps.empty());
    }
}

TEST_CASE("from \"all\" to \"rule\" every rule keeps its claims, and all keys are compared") {
    const auto rules = three_rules();
    const record_set before = one_for_all(rules);
    const record_set now = one_per_rule(rules);
    const migration plan = plan_migration(slave_with(before), now);
    CHECK(deleted(plan) == std::set<std::string>{all_key});
    CHECK(plan.steps.size() == 4);
    for (const wanted_record& wanted : now.wanted()) {
        const checkpoint* const next = step_for(plan, wanted.at.position);
        REQUIRE(next != nullptr);
        REQUIRE(next->spans.size() == 1);
        CHECK(next->spans[0].keys == wanted.keys.segments()[0].target);
        CHECK(next->spans[0].since == 10);
        CHECK(next->rules != wanted.keys.digest());
        CHECK(next->rev == 100);
        CHECK(next->seq == 101);
    }
    // A second migration does nothing.
    CHECK(plan_migration(after(slave_with(before), plan), now).steps.empty());
}

TEST_CASE("from \"rule\" to \"all\" every claim is kept") {
    const auto rules = three_rules();
    const record_set now = one_for_all(rules);
    const migration plan = plan_migration(slave_with(one_per_rule(rules)), now);
    CHECK(deleted(plan).size() == 3);
    const checkpoint* const next = step_for(plan, all_key);
    REQUIRE(next != nullptr);
    CHECK(since_of(next->spans, "/a/x") == 10);
    CHECK(since_of(next->spans, "/b/x") == 11);
    CHECK(since_of(next->spans, "/c/x") == 12);
    CHECK(since_of(next->spans, "/d/x") == -1);
    CHECK(next->rules != now.wanted()[0].keys.digest());
    CHECK(next->seq == 103);
    // The checkpoint with the highest revision verifies the history of the master.
    CHECK(next->rev == 102);
    CHECK(next->rules == mapping_of({prefix_rule("/c/")}).digest());
    CHECK(plan_migration(after(slave_with(one_per_rule(rules)), plan), now).steps.empty());
}

TEST_CASE("several checkpoints are not resumed, even if one of them covers all keys") {
    // Directly after a change from "all" each checkpoint is a copy of the old one. One rule has advanced since then.
    const auto rules = three_rules();
    const record_set set = one_per_rule(rules);
    const mapping whole = mapping_of(rules);
    found_records found = slave_with(set);
    checkpoint copy = checkpoint_for(whole, 50, 1);
    found.records[2].text = encode(copy);
    const migration plan = plan_migration(found, one_for_all(rules));
    const checkpoint* const next = step_for(plan, all_key);
    REQUIRE(next != nullptr);
    CHECK(next->rules != whole.digest());
}

TEST_CASE("with a single rule the checkpoint is resumed in both directions") {
    const std::vector<config::rule> rules{prefix_rule("/a/")};
    const record_set all = one_for_all(rules);
    const record_set each = one_per_rule(rules);
    const migration there = plan_migration(slave_with(all), each);
    const checkpoint* next = step_for(there, "/.etcd-sync/it//a/");
    REQUIRE(next != nullptr);
    CHECK(next->rules == each.wanted()[0].keys.digest());
    CHECK(next->rev == 100);
    const migration back = plan_migration(after(slave_with(all), there), all);
    next = step_for(back, all_key);
    REQUIRE(next != nullptr);
    CHECK(next->rules == all.wanted()[0].keys.digest());
    CHECK(since_of(next->spans, "/a/x") == 10);
    CHECK(deleted(back) == std::set<std::string>{"/.etcd-sync/it//a/"});
}

TEST_CASE("the checkpoint of a removed rule is deleted, an added rule has none, and a renamed rule resumes") {
    const auto rules = three_rules();
    const found_records found = slave_with(one_per_rule(rules));
    // "/c/" was removed, "/d/" was added.
    const record_set changed = one_per_rule({rules[0], rules[1], prefix_rule("/d/")});
    const migration plan = plan_migration(found, changed);
    CHECK(deleted(plan) == std::set<std::string>{"/.etcd-sync/it//c/"});
    CHECK(step_for(plan, "/.etcd-sync/it//d/") == nullptr);
    const checkpoint* const stayed = step_for(plan, "/.etcd-sync/it//b/");
    REQUIRE(stayed != nullptr);
    CHECK(stayed->rev == 101);
    CHECK(stayed->rules == changed.wanted()[1].keys.digest());
    CHECK(since_of(stayed->spans, "/b/x") == 11);

    record_set renamed(checkpoints, "it", config::consistency_mode::rule);
    renamed.add(rule_keys(checkpoints, "it", "a"), mapping_of_one(rules, 0));
    renamed.add(rule_keys(checkpoints, "it", "/b/"), mapping_of_one(rules, 1));
    renamed.add(rule_keys(checkpoints, "it", "/c/"), mapping_of_one(rules, 2));
    const migration rename = plan_migration(found, renamed);
    const checkpoint* const under_new_name = step_for(rename, "/.etcd-sync/it/a");
    REQUIRE(under_new_name != nullptr);
    CHECK(under_new_name->rules == renamed.wanted()[0].keys.digest());
    CHECK(under_new_name->rev == 100);
    CHECK(since_of(under_new_name->spans, "/a/x") == 10);
}

TEST_CASE("the claims of a former rule are moved to the rule that now has the keys") {
    const std::vector<config::rule> rules{prefix_rule("/a/x/"), prefix_rule("/a/")};
    const found_records found = slave_with(one_per_rule(rules));
    record_set now = one_per_rule({prefix_rule("/a/")});
    const migration plan = plan_migration(found, now);
    const checkpoint* const next = step_for(plan, "/.etcd-sync/it//a/");
    REQUIRE(next != nullptr);
    CHECK(since_of(next->spans, "/a/x/1") == 10);
    CHECK(since_of(next->spans, "/a/y") == 11);
    CHECK(next->rules != now.wanted()[0].keys.digest());
}

TEST_CASE("for two rules with interleaved keys the newer claim is used for both") {
    config::rule picks = prefix_rule("/a/");
    picks.include = {"/a/*.conf"};
    const std::vector<config::rule> rules{picks, prefix_rule("/a/")};
    record_set set(checkpoints, "it", config::consistency_mode::rule);
    set.add(rule_keys(checkpoints, "it", "conf"), mapping_of_one(rules, 0));
    set.add(rule_keys(checkpoints, "it", "rest"), mapping_of_one(rules, 1));
    const migration plan = plan_migration(slave_with(set), one_for_all(rules));
    const checkpoint* const next = step_for(plan, all_key);
    REQUIRE(next != nullptr);
    REQUIRE(next->spans.size() == 1);
    CHECK(next->spans[0].since == 11);
}

TEST_CASE("with checkpoints of both modes, which no daemon leaves, all keys are compared and no claim grows") {
    const auto rules = three_rules();
    for (const bool per_rule : {false, true}) {
        found_records found = slave_with(one_for_all(rules));  // claims since 10
        found_records each = slave_with(one_per_rule(rules));  // since 10, 11, 12
        found.records.insert(found.records.end(), each.records.begin(), each.records.end());
        const record_set now = per_rule ? one_per_rule(rules) : one_for_all(rules);
        const migration plan = plan_migration(found, now);
        CHECK(deleted(plan).size() == (per_rule ? 1 : 3));
        for (const wanted_record& wanted : now.wanted()) {
            const checkpoint* const next = step_for(plan, wanted.at.position);
            REQUIRE(next != nullptr);
            CHECK(next->rules.empty());
            for (const auto& [key, since] : {std::pair("/a/x", 10), std::pair("/b/x", 11), std::pair("/c/x", 12)}) {
                const revision kept = since_of(next->spans, key);
                CHECK((kept == -1 || kept == since));
            }
        }
    }
}

TEST_CASE("checkpoints that are unreadable, or whose manifest is another one, have no claims and are deleted") {
    const auto rules = three_rules();
    found_records found = slave_with(one_for_all(rules));
    found.records[0].text.position = "junk";
    const migration plan = plan_migration(found, one_per_rule(rules));
    REQUIRE(plan.steps.size() == 1);
    CHECK(deleted(plan) == std::set<std::string>{all_key});
    CHECK(plan.activity.writer.empty());
    checkpoint other = checkpoint_for(mapping_of(rules), 9, 9);
    other.manifest_id = "another";
    found.records[0].text.position = encode(other).position;
    CHECK(plan_migration(found, one_per_rule(rules)).steps.size() == 1);
    found.records[0].text.manifest.reset();
    CHECK(plan_migration(found, one_per_rule(rules)).steps.size() == 1);
}

TEST_CASE("the activity changes with each of the checkpoints that are replaced") {
    const auto rules = three_rules();
    const record_set now = one_for_all(rules);
    found_records found = slave_with(one_per_rule(rules));
    const checkpoint before = plan_migration(found, now).activity;
    CHECK(before.writer == "someone");
    for (std::size_t i = 0; i < 3; ++i) {
        found_records moved = found;
        checkpoint next = *parse_checkpoint(moved.records[i].text);
        ++next.seq;
        moved.records[i].text = encode(next);
        CHECK(plan_migration(moved, now).activity.seq > before.seq);
    }
    // A process that wrote one of them finds a newer sequence number than its own.
    for (const found_record& record : found.records) CHECK(is_rival(before, "we", parse_checkpoint(record.text)->seq));
}

TEST_CASE("overlapping claims are cut so that the newest one remains") {
    const std::vector<span> merged =
        merge_spans({{{"a", "m"}, 5}, {{"g", "z"}, 9}, {{"h", "i"}, 2}, {{"x", ""}, 1}, {{"p", "q"}, 9}});
    REQUIRE(merged.size() == 3);
    CHECK(merged[0].keys == keys::key_range{"a", "g"});
    CHECK(merged[0].since == 5);
    CHECK(merged[1].keys == keys::key_range{"g", "z"});
    CHECK(merged[1].since == 9);
    CHECK(merged[2].keys == keys::key_range{"z", ""});
    CHECK(merged[2].since == 1);
    CHECK(merge_spans({}).empty());
}

TEST_CASE("that the master had another history is not forgotten by a migration, whichever checkpoint says so") {
    const record_set all = one_for_all(three_rules());
    const record_set each = one_per_rule(three_rules());
    for (std::size_t marked = 0; marked < 3; ++marked) {
        found_records found = slave_with(each);
        checkpoint other = *parse_checkpoint(found.records[marked].text);
        other.other = true;
        found.records[marked].text = encode(other);
        const migration plan = plan_migration(found, all);
        REQUIRE(step_for(plan, all_key) != nullptr);
        CHECK(step_for(plan, all_key)->other);
    }
    found_records found = slave_with(all);
    checkpoint other = *parse_checkpoint(found.records[0].text);
    other.other = true;
    found.records[0].text = encode(other);
    const migration plan = plan_migration(found, each);
    for (const wanted_record& wanted : each.wanted()) {
        REQUIRE(step_for(plan, wanted.at.position) != nullptr);
        CHECK(step_for(plan, wanted.at.position)->other);
    }
}

TEST_CASE("a migration does not prove the history for keys whose differences are still counted") {
    const record_set all = one_for_all(three_rules());
    const record_set each = one_per_rule(three_rules());
    found_records found = slave_with(each);
    checkpoint held = *parse_checkpoint(found.records[0].text);
    held.pass = sync_pass::count;
    found.records[0].text = encode(held);
    checkpoint proven = *parse_checkpoint(found.records[2].text);
    proven.event_revision = 90;
    proven.event_digest = "d";
    proven.anchors = {{"/c/1", 1, 1, 1, "d", 90}};
    found.records[2].text = encode(proven);
    const migration plan = plan_migration(found, all);
    const checkpoint* const next = step_for(plan, all_key);
    REQUIRE(next != nullptr);
    CHECK(next->rules.empty());
    CHECK(next->event_digest.empty());
    CHECK(next->anchors.empty());
}
