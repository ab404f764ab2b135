// SPDX-License-Identifier: Apache-2.0
#include "replication/record/start_plan.hpp"

#include "base/random.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

const mapping& rules() {
    static const mapping keys = mapping_of({prefix_rule("/a/")});
    return keys;
}

start_context here() {
    start_context now;
    now.cluster_id = 77;
    now.raft = {4, 2000, 900};
    now.master_position = 1000;
    now.slave_revision = 50;
    now.proven = true;
    return now;
}

checkpoint stored() {
    checkpoint out;
    out.cluster_id = 77;
    out.raft = {3, 1800, 880};
    out.rev = 900;
    out.event_revision = 890;
    out.event_digest = "d";
    out.rules = rules().digest();
    out.spans = {{{"/a/", "/a0"}, 20}};
    out.seq = 5;
    return out;
}

using record = std::optional<base::result<checkpoint>>;

void check_from_the_beginning(const start_plan& plan) {
    CHECK(plan.full_sync);
    CHECK_FALSE(plan.reason.empty());
    CHECK(plan.record.pass == (plan.proven ? sync_pass::repair : sync_pass::count));
    CHECK(plan.record.frontier.empty());
    CHECK(plan.record.rev == 1000);
    CHECK(plan.record.cluster_id == 77);
    CHECK(plan.record.raft == here().raft);
    CHECK(plan.record.rules == rules().digest());
    CHECK(plan.record.event_revision == 0);
    CHECK(plan.record.event_digest.empty());
}

/// Checks that `from` is not resumed, and that the reason contains `word`.
void check_not_resumed(const checkpoint& from, std::string_view word, const start_context& now = here()) {
    const start_plan plan = plan_start(record(from), rules(), now);
    check_from_the_beginning(plan);
    CAPTURE(plan.reason);
    CHECK(plan.reason.find(word) != std::string::npos);
}

}  // namespace

TEST_CASE("a checkpoint of this master and these rules, at a revision of the master, is resumed") {
    const start_plan plan = plan_start(record(stored()), rules(), here());
    CHECK_FALSE(plan.full_sync);
    CHECK(plan.reason.empty());
    CHECK(plan.record.rev == 900);
    CHECK(plan.record.event_revision == 890);
    CHECK(plan.record.seq == 5);
    checkpoint at_the_head = stored();
    at_the_head.rev = 1000;
    CHECK_FALSE(plan_start(record(at_the_head), rules(), here()).full_sync);
}

TEST_CASE(
    "a checkpoint ahead of the known revision of the master is resumed: only its history can show a rewound master") {
    checkpoint ahead = stored();
    ahead.rev = 1001;
    const start_plan plan = plan_start(record(ahead), rules(), here());
    CHECK_FALSE(plan.full_sync);
    CHECK(plan.record.rev == 1001);
}

TEST_CASE("an interrupted pass is resumed at its frontier") {
    checkpoint half = stored();
    half.pass = sync_pass::prune;
    half.frontier = "/a/k";
    const start_plan plan = plan_start(record(half), rules(), here());
    CHECK_FALSE(plan.full_sync);
    CHECK(plan.record.pass == sync_pass::prune);
    CHECK(plan.record.frontier == "/a/k");
}

TEST_CASE("without a checkpoint all keys are compared, and existing keys are foreign") {
    const start_plan plan = plan_start(std::nullopt, rules(), here());
    check_from_the_beginning(plan);
    REQUIRE(plan.record.spans.size() == 1);
    CHECK(plan.record.spans[0].since == 50);
}

TEST_CASE("an unreadable checkpoint is ignored, and the reason is returned") {
    const start_plan plan = plan_start(record(base::error("it is not JSON")), rules(), here());
    check_from_the_beginning(plan);
    CHECK(plan.reason.find("it is not JSON") != std::string::npos);
    CHECK(plan.record.spans[0].since == 50);
}

TEST_CASE("a checkpoint that does not match is not resumed, and all keys are compared") {
    checkpoint other = stored();
    other.cluster_id = 78;
    check_not_resumed(other, "master");
    other = stored();
    other.rules = "else";
    check_not_resumed(other, "rules");
    other.rules.clear();  // of version 0.1, or of several checkpoints
    check_not_resumed(other, "another version");
    other = stored();
    other.rev = 0;
    check_not_resumed(other, "nothing was copied");
    start_context unproven = here();
    unproven.proven = false;
    unproven.unproven_reason = "it was wiped";
    check_not_resumed(stored(), "it was wiped", unproven);
}

TEST_CASE("our own claims are kept if the master or the rules change") {
    checkpoint other = stored();
    other.cluster_id = 78;
    CHECK(plan_start(record(other), rules(), here()).record.spans[0].since == 20);
}

TEST_CASE("on a slave that was restored, what only the slave has is foreign") {
    checkpoint before = stored();
    before.slave_cluster_id = 5;
    before.slave_revision = 40;
    start_context now = here();
    now.slave_cluster_id = 5;
    revision since = 20;
    SUBCASE("the same store") {}
    SUBCASE("another cluster id") {
        now.slave_cluster_id = 6;
        since = 50;
    }
    SUBCASE("an older revision") {
        before.slave_revision = 51;
        since = 50;
    }
    SUBCASE("a checkpoint of version 0.1, which does not say") { before.slave_cluster_id = 0; }
    CHECK(plan_start(record(before), rules(), now).record.spans[0].since == since);
    now.proven = false;
    CHECK(plan_start(record(before), rules(), now).record.spans[0].since == since);
}

TEST_CASE("a wider rule keeps the old claim and starts new ones for the other keys") {
    const mapping wider = mapping_of({prefix_rule("/")});
    const std::vector<span> claimed = spans_for(wider, {{{"/a/", "/a0"}, 20}}, 50);
    REQUIRE(claimed.size() >= 3);
    CHECK(is_foreign(claimed, "/a/k", 20));
    CHECK_FALSE(is_foreign(claimed, "/a/k", 21));
    CHECK(is_foreign(claimed, "/b", 50));
    CHECK_FALSE(is_foreign(claimed, "/b", 51));
    CHECK(is_foreign(claimed, "/A", 50));
    CHECK(is_foreign(claimed, "/.etcd-sync/x", 1000));
}

TEST_CASE("a narrower rule keeps only its part of the claim") {
    const mapping narrower = mapping_of({prefix_rule("/a/b/")});
    const std::vector<span> claimed = spans_for(narrower, {{{"/a/", "/a0"}, 20}}, 50);
    REQUIRE(claimed.size() == 1);
    CHECK(claimed[0].keys == keys::prefix_range("/a/b/"));
    CHECK(claimed[0].since == 20);
}

TEST_CASE("claims cover the targets exactly and without overlap, for any old claims") {
    base::random_source random(3);
    const auto bound = [&random] {
        std::string out;
        for (std::uint64_t n = random.next() % 3; n > 0; --n)
            out += std::string_view("\0/ab\xff", 5)[random.next() % 5];
        return out;
    };
    const mapping keys = mapping_of({prefix_rule("a"), range_rule("b/", "b\xff", "b", "c")});
    for (int round = 0; round < 300; ++round) {
        // The old spans are disjoint, as in every checkpoint.
        std::vector<span> old;
        std::string from;
        for (int i = 0; i < 3; ++i) {
            std::string begin = from + bound();
            std::string end = begin + bound();
            if (end <= begin) continue;
            old.push_back({{begin, end}, i});
            from = end;
        }
        const std::vector<span> claimed = spans_for(keys, old, 50);
        for (std::size_t i = 0; i < claimed.size(); ++i) {
            CHECK_FALSE(claimed[i].keys.empty());
            if (i + 1 < claimed.size()) CHECK_FALSE(keys::intersect(claimed[i].keys, claimed[i + 1].keys).has_value());
        }
        for (int probe = 0; probe < 50; ++probe) {
            const std::string key = bound() + bound();
            revision expected = -1;
            for (const segment& part : keys.segments()) {
                if (part.target.contains(key)) expected = 50;
            }
            for (const span& before : old) {
                if (expected >= 0 && before.keys.contains(key)) expected = before.since;
            }
            revision found = -1;
            for (const span& s : claimed) {
                if (s.keys.contains(key)) found = s.since;
            }
            CHECK(found == expected);
        }
    }
}

TEST_CASE("an approved span has no foreign keys") {
    const std::vector<span> approved{{{"/a/", "/a0"}, 0}};
    CHECK_FALSE(is_foreign(approved, "/a/k", 1));
}

TEST_CASE("a key outside our spans is foreign") {
    CHECK(is_foreign({}, "k", 1'000'000));
    CHECK(is_foreign({{{"/a/", "/a0"}, 0}}, "/b", 1'000'000));
}

TEST_CASE("another writer is a rival only if it wrote after us") {
    checkpoint found = stored();
    found.writer = "other";
    found.seq = 8;
    CHECK(is_rival(found, "we", 7));
    CHECK(is_rival(found, "we", 8));
    CHECK_FALSE(is_rival(found, "we", 9));     // an older record: the slave was restored from a snapshot
    CHECK_FALSE(is_rival(found, "we", 0));     // we never succeeded
    CHECK_FALSE(is_rival(found, "other", 7));  // our own write
    found.writer.clear();
    CHECK_FALSE(is_rival(found, "we", 7));  // a graceful stop
}

TEST_CASE("differences are counted before they are written, unless the slave is known to be a copy of this master") {
    CHECK_FALSE(plan_start(std::nullopt, rules(), here()).proven);
    CHECK_FALSE(plan_start(record(base::error("it is not JSON")), rules(), here()).proven);
    checkpoint other = stored();
    other.rules = "else";
    CHECK(plan_start(record(other), rules(), here()).proven);  // verified by its anchors
    start_context unproven = here();
    unproven.proven = false;
    CHECK_FALSE(plan_start(record(other), rules(), unproven).proven);
}

TEST_CASE("if nothing changed on the master, R advances without its history") {
    start_context now = here();
    now.unchanged_until = 990;
    CHECK(plan_start(record(stored()), rules(), now).record.rev == 990);
    now.unchanged_until = 10;
    CHECK(plan_start(record(stored()), rules(), now).record.rev == 900);
}

TEST_CASE("until a full sync has written something, the stored checkpoint stays as it is") {
    checkpoint other = stored();
    other.rules = "else";
    const start_plan proven = plan_start(record(other), rules(), here());
    CHECK(proven.proven);
    REQUIRE(proven.kept.has_value());
    CHECK(proven.kept->rules == "else");
    CHECK(proven.kept->event_digest == "d");
    CHECK(proven.known_until == 0);
    checkpoint half = other;
    half.pass = sync_pass::repair;
    CHECK_FALSE(plan_start(record(half), rules(), here()).kept.has_value());
}

TEST_CASE("another history that was agreed to is told by the stored checkpoint until something of it is written") {
    for (const sync_pass pass : {sync_pass::none, sync_pass::repair, sync_pass::prune}) {
        checkpoint before = stored();
        before.pass = pass;
        before.frontier = "/a/k";
        start_context now = here();
        now.proven = false;
        now.unproven_reason = "it was wiped";
        now.accepted_other = true;
        const start_plan plan = plan_start(record(before), rules(), now);
        check_from_the_beginning(plan);
        CHECK_FALSE(plan.record.other);
        REQUIRE(plan.kept.has_value());
        CHECK(plan.kept->other);
        CHECK(plan.kept->pass == sync_pass::none);
        CHECK(plan.kept->rev == 900);
    }
}
