// SPDX-License-Identifier: Apache-2.0
#include "replication/record/anchors.hpp"

#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;
using test::del;
using test::put;

namespace {

anchor at(std::string key, revision mod) { return {std::move(key), mod, mod, 1, "d", mod}; }

std::string keys_of(const anchor_list& all) {
    std::string out;
    for (const anchor& a : all) out += a.key;
    return out;
}

const mapping& all_but_x() {
    static const mapping keys = [] {
        config::rule rule = prefix_rule("");
        rule.exclude = {"x"};
        return mapping_of({rule});
    }();
    return keys;
}

anchor_list followed(anchor_list from, const std::deque<log_entry>& entries) {
    std::vector<mapped_revision> revisions;
    for (const log_entry& entry : entries) revisions.push_back(map_revision(entry, all_but_x()));
    follow_changes(from, revisions);
    return from;
}

}  // namespace

TEST_CASE("the two newest and the two oldest anchors are kept") {
    anchor_list all;
    for (const char* key : {"a", "b", "c", "d", "e", "f"}) remember(all, at(key, key[0]));
    CHECK(keys_of(all) == "feba");
    remember(all, at("g", 'c'));  // neither new nor old
    CHECK(keys_of(all) == "feba");
    remember(all, at("a", 'z'));  // a key is kept once
    CHECK(keys_of(all) == "afeb");
}

TEST_CASE("a change of an anchor replaces it, a delete removes it") {
    std::deque<log_entry> entries;
    entries.push_back(entry(50, {put("a", "new", 50), del("b", 50)}));
    const anchor_list all = followed({at("b", 20), at("a", 10)}, entries);
    REQUIRE(all.size() == 1);
    CHECK(all[0].key == "a");
    CHECK(all[0].mod_revision == 50);
    CHECK(all[0].digest != "d");
}

TEST_CASE("the newest puts of selected keys become anchors") {
    std::deque<log_entry> entries;
    entries.push_back(entry(50, {put("k", "1", 50)}));
    entries.push_back(entry(51, {put("l", "1", 51), put("x", "1", 51)}));
    entries.push_back(entry(52, {put("m", "1", 52)}));
    entries.push_back(entry(53, {del("n", 53)}));
    CHECK(keys_of(followed({at("a", 10)}, entries)) == "mla");
}

TEST_CASE("a put whose key was deleted later does not become an anchor") {
    std::deque<log_entry> entries;
    entries.push_back(entry(50, {put("k", "1", 50)}));
    entries.push_back(entry(51, {del("k", 51)}));
    CHECK(keys_of(followed({}, entries)) == "");
    entries.push_back(entry(52, {put("k", "2", 52)}));
    const anchor_list all = followed({}, entries);
    REQUIRE(all.size() == 1);
    CHECK(all[0].mod_revision == 52);
}

TEST_CASE("an anchor is unchanged only if the value, the version and the revisions of its key are") {
    etcd::key_value kv;
    kv.key = "k";
    kv.value = "v";
    kv.create_revision = 3;
    kv.mod_revision = 5;
    kv.version = 2;
    anchor known = anchor_of(kv, 9);
    CHECK(is_unchanged(known, kv));
    etcd::key_value other = kv;
    other.value = "w";
    CHECK_FALSE(is_unchanged(known, other));
    other = kv;
    other.version = 1;
    CHECK_FALSE(is_unchanged(known, other));
    other = kv;
    other.create_revision = 4;
    CHECK_FALSE(is_unchanged(known, other));
    other = kv;
    other.mod_revision = 6;
    CHECK_FALSE(is_unchanged(known, other));
    other = kv;
    other.value = "w";
    known.digest.clear();  // of version 0.1: only the value cannot be compared
    CHECK(is_unchanged(known, other));
    other.version = 1;
    CHECK_FALSE(is_unchanged(known, other));
}

TEST_CASE("anchors that were seen at R move on with it; an older one may have changed in between, so it stays") {
    anchor_list all{at("new", 50), at("old", 20)};
    all[0].seen_at = 60;
    all[1].seen_at = 40;
    move_to(all, 60, 80);
    CHECK(all[0].seen_at == 80);
    CHECK(all[1].seen_at == 40);
    move_to(all, 80, 70);  // never back
    CHECK(all[0].seen_at == 80);
}

TEST_CASE("an anchor that a change replaced was seen at the revision of the change") {
    std::deque<log_entry> entries;
    entries.push_back(entry(50, {put("a", "new", 50)}));
    const anchor_list all = followed({at("a", 10)}, entries);
    REQUIRE(all.size() == 1);
    CHECK(all[0].seen_at == 50);
}
