// SPDX-License-Identifier: Apache-2.0
#include "replication/record/checkpoint.hpp"

#include "base/random.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

checkpoint full() {
    checkpoint out;
    out.instance = "it \"quoted\" \xc3\xa4";
    out.cluster_id = 0xcdf818194e3a8c32;
    out.raft_term = 3;
    out.rev = 4711;
    out.pass = sync_pass::repair;
    out.frontier = std::string("/a\0\xff\x80", 5);
    out.event_revision = 4700;
    out.event_digest = "0123456789abcdef";
    out.rules = "fedcba9876543210";
    out.spans = {{{"/a/", "/a0"}, 17}, {{std::string("\0\xff", 2), ""}, 0}};
    out.writer = "00000000deadbeef";
    out.seq = 12;
    out.time = "2026-11-22T19:00:00Z";
    out.anchors = {{std::string("/a/\xff", 4), 7, 4600, 3, "00000000000000aa"}, {"/a/b", 5, 5, 1, "00000000000000bb"}};
    out.count = 1234;
    return out;
}

void check_same(const checkpoint& a, const checkpoint& b) {
    CHECK(a.instance == b.instance);
    CHECK(a.cluster_id == b.cluster_id);
    CHECK(a.raft_term == b.raft_term);
    CHECK(a.rev == b.rev);
    CHECK(a.pass == b.pass);
    CHECK(a.frontier == b.frontier);
    CHECK(a.event_revision == b.event_revision);
    CHECK(a.event_digest == b.event_digest);
    CHECK(a.rules == b.rules);
    REQUIRE(a.spans.size() == b.spans.size());
    for (std::size_t i = 0; i < a.spans.size(); ++i) {
        CHECK(a.spans[i].keys == b.spans[i].keys);
        CHECK(a.spans[i].since == b.spans[i].since);
    }
    CHECK(a.writer == b.writer);
    CHECK(a.seq == b.seq);
    CHECK(a.time == b.time);
    CHECK(a.split == b.split);
    CHECK(a.count == b.count);
    REQUIRE(a.anchors.size() == b.anchors.size());
    for (std::size_t i = 0; i < a.anchors.size(); ++i) {
        CHECK(a.anchors[i].key == b.anchors[i].key);
        CHECK(a.anchors[i].create_revision == b.anchors[i].create_revision);
        CHECK(a.anchors[i].mod_revision == b.anchors[i].mod_revision);
        CHECK(a.anchors[i].version == b.anchors[i].version);
        CHECK(a.anchors[i].digest == b.anchors[i].digest);
    }
}

/// The error of parsing full() with `from` replaced by `to`.
std::string parse_error(std::string_view from, std::string_view to) {
    std::string text = encode(full());
    const auto at = text.find(from);
    REQUIRE_MESSAGE(at != std::string::npos, from);
    text.replace(at, from.size(), to);
    const auto parsed = parse_checkpoint(text);
    return parsed ? std::string() : parsed.error().text;
}

}  // namespace

TEST_CASE("an encoded checkpoint is parsed to the same fields, also with keys that are not UTF-8") {
    for (const sync_pass pass : {sync_pass::none, sync_pass::count, sync_pass::repair, sync_pass::prune}) {
        checkpoint record = full();
        record.pass = pass;
        const auto parsed = parse_checkpoint(encode(record));
        REQUIRE(parsed.has_value());
        check_same(record, *parsed);
    }
    const auto empty = parse_checkpoint(encode(checkpoint()));
    REQUIRE(empty.has_value());
    check_same(checkpoint(), *empty);
}

TEST_CASE("the largest possible numbers of an etcd are preserved") {
    checkpoint record = full();
    record.cluster_id = std::numeric_limits<std::uint64_t>::max();
    record.rev = revision{1} << 53;
    record.event_revision = record.rev;
    record.spans[0].since = record.rev;
    const auto parsed = parse_checkpoint(encode(record));
    REQUIRE(parsed.has_value());
    check_same(record, *parsed);
}

TEST_CASE("a checkpoint with any raft term can be parsed") {
    checkpoint record = full();
    record.raft_term = std::numeric_limits<std::uint64_t>::max();
    CHECK(parse_checkpoint(encode(record)).has_value());
}

TEST_CASE("the state is a readable string") {
    checkpoint record = full();
    CHECK(encode(record).find("\"state\":\"full_sync\"") != std::string::npos);
    CHECK(encode(record).find("\"pass\":\"repair\"") != std::string::npos);
    record.pass = sync_pass::none;
    CHECK(encode(record).find("\"state\":\"follow\"") != std::string::npos);
    record.split = true;
    CHECK(encode(record).find("\"state\":\"split\"") != std::string::npos);
    CHECK(parse_checkpoint(encode(record))->split);
    CHECK(encode(record).find("\"cluster_id\":\"cdf818194e3a8c32\"") != std::string::npos);
}

TEST_CASE("text that is not a checkpoint is rejected with a reason") {
    for (const char* text :
         {"", "{", "null", "[]", "7", "\"text\"", "{}", "{\"format\":1}", "hello", "{\"format\":\"1\"}"}) {
        CAPTURE(text);
        const auto parsed = parse_checkpoint(text);
        REQUIRE(parsed.has_error());
        CHECK_FALSE(parsed.error().text.empty());
    }
    CHECK(parse_checkpoint(std::string("\0\xff", 2)).has_error());
    CHECK(parse_checkpoint(encode(full()) + "x").has_error());
    CHECK(parse_checkpoint(std::string(1'000'000, '[')).has_error());
    CHECK(parse_checkpoint("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}").has_error());
}

TEST_CASE("the error for a checkpoint of another format says that another version wrote it") {
    CHECK(parse_error("\"format\":1", "\"format\":2").find("another version") != std::string::npos);
}

TEST_CASE("a member that is missing, of the wrong type or out of range is named in the error") {
    for (const char* name : {"format", "instance", "cluster_id", "raft_term", "revision", "pass", "frontier_b64",
                             "event_revision", "event_digest", "rules", "spans", "writer", "seq", "time"}) {
        const std::string quoted = "\"" + std::string(name) + "\":";
        CAPTURE(name);
        CHECK(parse_error(quoted, "\"other\":").find(name) != std::string::npos);
        CHECK(parse_error(quoted, quoted + "null,\"x\":").find(name) != std::string::npos);
        CHECK(parse_error(quoted, quoted + "{\"a\":1},\"x\":").find(name) != std::string::npos);
    }
    for (const char* name : {"revision", "raft_term", "seq", "event_revision", "since"}) {
        const std::string quoted = "\"" + std::string(name) + "\":";
        CAPTURE(name);
        CHECK_FALSE(parse_error(quoted, quoted + "-1,\"x\":").empty());
        CHECK_FALSE(parse_error(quoted, quoted + "1.5,\"x\":").empty());
        CHECK_FALSE(parse_error(quoted, quoted + "1e30,\"x\":").empty());
        CHECK_FALSE(parse_error(quoted, quoted + "18446744073709551616,\"x\":").empty());
    }
    for (const char* name : {"revision", "event_revision", "since"}) {
        const std::string quoted = "\"" + std::string(name) + "\":";
        CAPTURE(name);
        CHECK_FALSE(parse_error(quoted, quoted + "9223372036854775808,\"x\":").empty());
    }
}

TEST_CASE("keys that are not base64, ids that are not hexadecimal and unknown passes are rejected") {
    CHECK_FALSE(parse_error("\"frontier_b64\":\"", "\"frontier_b64\":\"!").empty());
    CHECK_FALSE(parse_error("\"start_b64\":\"", "\"start_b64\":\"?").empty());
    CHECK_FALSE(parse_error("\"cluster_id\":\"", "\"cluster_id\":\"xyz").empty());
    CHECK_FALSE(parse_error("\"cluster_id\":\"", "\"cluster_id\":\"1234567890").empty());  // too long
    CHECK_FALSE(parse_error("\"cluster_id\":\"cdf818194e3a8c32\"", "\"cluster_id\":\"\"").empty());
    CHECK_FALSE(parse_error("\"pass\":\"repair\"", "\"pass\":\"REPAIR\"").empty());
    CHECK_FALSE(parse_error("\"spans\":[", "\"spans\":[1,").empty());
}

TEST_CASE("an event revision above the revision is rejected") {
    CHECK_FALSE(parse_error("\"event_revision\":4700", "\"event_revision\":4712").empty());
    CHECK(parse_error("\"event_revision\":4700", "\"event_revision\":4711").empty());
}

TEST_CASE("unknown members are ignored, because a newer version may add some") {
    CHECK(parse_error("\"format\":1", "\"format\":1,\"lanes\":[{\"key\":\"x\"}],\"colour\":5").empty());
}

TEST_CASE("a checkpoint without anchors and count, from an older version, is valid; invalid ones are rejected") {
    checkpoint old = full();
    old.anchors.clear();
    old.count.reset();
    std::string text = encode(old);
    const std::string_view none = ",\"anchors\":[]";
    text.erase(text.find(none), none.size());
    const auto parsed = parse_checkpoint(text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->anchors.empty());
    CHECK_FALSE(parsed->count.has_value());
    CHECK_FALSE(parse_error("\"count\":1234", "\"count\":-1").empty());
    CHECK_FALSE(parse_error("\"mod_revision\":4600", "\"mod_revision\":\"x\"").empty());
}

TEST_CASE("a truncated or corrupted checkpoint causes no crash, and the parsed values are consistent") {
    const std::string whole = encode(full());
    const auto look = [](const std::string& text) {
        const auto parsed = parse_checkpoint(text);
        if (!parsed) return;
        CHECK(parsed->rev >= 0);
        CHECK(parsed->event_revision >= 0);
        CHECK(parsed->event_revision <= parsed->rev);
    };
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK(parse_checkpoint(whole.substr(0, size)).has_error());
    }
    base::random_source random(5);
    for (int round = 0; round < 3000; ++round) {
        std::string text = whole;
        for (std::uint64_t n = 1 + random.next() % 4; n > 0; --n)
            text[random.next() % text.size()] = static_cast<char>(random.next() % 256);
        look(text);
    }
}

TEST_CASE("the key of a checkpoint is the prefix and the instance name") {
    CHECK(checkpoint_key("/.etcd-sync/", "it") == "/.etcd-sync/it");
}

TEST_CASE("a revision that no store can reach is rejected, because it would be the base of later ones") {
    for (const revision rev : {(revision{1} << 53) + 1, std::numeric_limits<revision>::max()}) {
        checkpoint record = full();
        record.rev = rev;
        CHECK_FALSE(parse_checkpoint(encode(record)).has_value());
        record = full();
        record.anchors[0].mod_revision = rev;
        CHECK_FALSE(parse_checkpoint(encode(record)).has_value());
    }
}

TEST_CASE("a checkpoint above the size limit is rejected without parsing") {
    std::string text = encode(full());
    text.insert(text.size() - 1, std::string(1U << 20, ' '));
    CHECK_FALSE(parse_checkpoint(text).has_value());
    CHECK_FALSE(parse_checkpoint(std::string(2U << 20, '[')).has_value());
}
