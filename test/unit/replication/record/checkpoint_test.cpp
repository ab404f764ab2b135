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
    out.rev = 4711;
    out.pass = sync_pass::repair;
    out.frontier = std::string("/a\0\xff\x80", 5);
    out.event_revision = 4700;
    out.event_digest = "0123456789abcdef";
    out.count = 1234;
    out.writer = "deadbeef";
    out.seq = 12;
    out.manifest_id = "0badcafe";
    out.cluster_id = 0xcdf818194e3a8c32;
    out.raft = {3, 5000, -17};
    out.rules = "fedcba9876543210";
    out.spans = {{{"/a/", "/a0"}, 17}, {{std::string("\0\xff", 2), ""}, 0}};
    out.anchors = {{std::string("/a/\xff", 4), 7, 4600, 3, "00000000000000aa", 4711},
                   {"/a/b", 5, 5, 1, "00000000000000bb", 4700}};
    out.slave_cluster_id = 0x77;
    out.slave_revision = 900;
    out.time = "2026-11-22T19:00:00Z";
    return out;
}

void check_same_position(const checkpoint& a, const checkpoint& b) {
    CHECK(a.rev == b.rev);
    CHECK(a.pass == b.pass);
    CHECK(a.frontier == b.frontier);
    CHECK(a.event_revision == b.event_revision);
    CHECK(a.event_digest == b.event_digest);
    CHECK(a.split == b.split);
    CHECK(a.other == b.other);
    CHECK(a.count == b.count);
    CHECK(a.writer == b.writer);
    CHECK(a.seq == b.seq);
    CHECK(a.manifest_id == b.manifest_id);
}

void check_same(const checkpoint& a, const checkpoint& b) {
    check_same_position(a, b);
    CHECK(a.cluster_id == b.cluster_id);
    CHECK(a.raft == b.raft);
    CHECK(a.rules == b.rules);
    CHECK(a.spans == b.spans);
    CHECK(a.anchors == b.anchors);
    CHECK(a.slave_cluster_id == b.slave_cluster_id);
    CHECK(a.slave_revision == b.slave_revision);
    CHECK(a.time == b.time);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    REQUIRE_MESSAGE(at != std::string::npos, from);
    return text.replace(at, from.size(), to);
}

std::string error_of(const checkpoint_text& text) {
    const auto parsed = parse_checkpoint(text);
    return parsed ? std::string() : parsed.error().text;
}

/// The error of parsing full() with `from` replaced by `to` in the position.
std::string position_error(std::string_view from, std::string_view to) {
    checkpoint_text text = encode(full());
    text.position = replaced(text.position, from, to);
    return error_of(text);
}

/// The same in the manifest.
std::string manifest_error(std::string_view from, std::string_view to) {
    checkpoint_text text = encode(full());
    text.manifest = replaced(*text.manifest, from, to);
    return error_of(text);
}

/// As version 0.1 wrote it.
const std::string format_1 =
    R"({"format":1,"instance":"it","cluster_id":"cdf818194e3a8c32","raft_term":3,"revision":4711,"state":"full_sync",)"
    R"("pass":"repair","frontier_b64":"L2E=","event_revision":4700,"event_digest":"0123456789abcdef",)"
    R"("rules":"fedcba9876543210","spans":[{"start_b64":"L2Ev","end_b64":"L2Ew","since":17}],)"
    R"("writer":"00000000deadbeef","seq":12,"time":"2026-11-22T19:00:00Z","anchors":[{"key_b64":"L2Ev","create_revision":7,)"
    R"("mod_revision":4600,"version":3,"digest":"00000000000000aa"}],"count":1234})";

}  // namespace

TEST_CASE("an encoded checkpoint is parsed to the same fields, also with keys that are not UTF-8") {
    for (const sync_pass pass : {sync_pass::count, sync_pass::repair, sync_pass::prune}) {
        checkpoint record = full();
        record.pass = pass;
        const auto parsed = parse_checkpoint(encode(record));
        REQUIRE(parsed.has_value());
        check_same(record, *parsed);
    }
    checkpoint following = full();
    following.pass = sync_pass::none;
    following.frontier.clear();
    const auto parsed = parse_checkpoint(encode(following));
    REQUIRE(parsed.has_value());
    check_same(following, *parsed);
    const auto empty = parse_checkpoint(encode(checkpoint()));
    REQUIRE(empty.has_value());
    check_same(checkpoint(), *empty);
}

TEST_CASE("the largest possible numbers of an etcd are preserved") {
    checkpoint record = full();
    record.cluster_id = std::numeric_limits<std::uint64_t>::max();
    record.raft.term = std::numeric_limits<std::uint64_t>::max();
    record.seq = std::numeric_limits<std::uint64_t>::max();
    record.rev = revision{1} << 53;
    record.event_revision = record.rev;
    record.spans[0].since = record.rev;
    record.slave_revision = record.rev;
    const auto parsed = parse_checkpoint(encode(record));
    REQUIRE(parsed.has_value());
    check_same(record, *parsed);
}

TEST_CASE("a position in follow mode takes less than 180 bytes, whatever the rules") {
    checkpoint record = full();
    record.pass = sync_pass::none;
    record.rev = 9'999'999'999;
    record.event_revision = record.rev;
    record.count = 99'999'999;
    record.seq = 9'999'999'999;
    for (int i = 0; i < 500; ++i) record.spans.push_back({{std::to_string(i), std::to_string(i) + "0"}, 1});
    CHECK(encode(record).position.size() < 180);
    CHECK(encode(record).position ==
          R"({"format":2,"revision":9999999999,"event":9999999999,"digest":"0123456789abcdef","count":99999999,)"
          R"("writer":"deadbeef","seq":9999999999,"manifest":"0badcafe"})");
}

TEST_CASE("the state is a readable string, and absent while the slave follows") {
    checkpoint record = full();
    CHECK(encode(record).position.find("\"state\":\"full_sync\",\"pass\":\"repair\"") != std::string::npos);
    record.pass = sync_pass::none;
    CHECK(encode(record).position.find("state") == std::string::npos);
    record.split = true;
    CHECK(encode(record).position.find("\"state\":\"split\"") != std::string::npos);
    CHECK(parse_checkpoint(encode(record))->split);
    record.other = true;
    CHECK(encode(record).position.find("\"state\":\"other\"") != std::string::npos);
    CHECK(parse_checkpoint(encode(record))->other);
    CHECK_FALSE(parse_checkpoint(encode(record))->split);
    CHECK(encode(record).manifest->find("\"cluster_id\":\"cdf818194e3a8c32\"") != std::string::npos);
}

TEST_CASE("a checkpoint of another version, whose state is not known, is rejected") {
    CHECK(position_error("\"full_sync\"", "\"juggling\"").find("another version") != std::string::npos);
    CHECK(position_error("\"format\":2", "\"format\":3").find("another version") != std::string::npos);
    CHECK(manifest_error("\"format\":2", "\"format\":3").find("another version") != std::string::npos);
}

TEST_CASE("text that is not a checkpoint is rejected with a reason") {
    const std::string manifest = *encode(full()).manifest;
    for (const char* text : {"", "{", "null", "[]", "7", "\"text\"", "{}", "{\"format\":1}", "{\"format\":2}", "hello",
                             "{\"format\":\"2\"}"}) {
        CAPTURE(text);
        CHECK_FALSE(error_of({text, manifest}).empty());
        CHECK_FALSE(error_of({encode(full()).position, text}).empty());
    }
    CHECK_FALSE(error_of({std::string("\0\xff", 2), manifest}).empty());
    CHECK_FALSE(error_of({encode(full()).position + "x", manifest}).empty());
    CHECK_FALSE(error_of({std::string(1'000'000, '['), manifest}).empty());
    CHECK_FALSE(error_of({"{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}", manifest}).empty());
}

TEST_CASE("a position is not used without its own manifest") {
    checkpoint_text text = encode(full());
    text.manifest.reset();
    CHECK(error_of(text) == "its manifest is missing");
    checkpoint other = full();
    other.manifest_id = "0badcaff";
    text.manifest = encode(other).manifest;
    CHECK(error_of(text) == "its manifest is not usable: \"id\" is not the one in the position");
}

TEST_CASE("a member that is missing, of the wrong type or out of range is named in the error") {
    const auto check = [](const char* name, const auto& error_with) {
        const std::string quoted = "\"" + std::string(name) + "\":";
        CAPTURE(name);
        CHECK(error_with(quoted, "\"other\":").find(name) != std::string::npos);
        CHECK(error_with(quoted, quoted + "null,\"x\":").find(name) != std::string::npos);
        CHECK(error_with(quoted, quoted + "{\"a\":1},\"x\":").find(name) != std::string::npos);
    };
    for (const char* name : {"format", "revision", "writer", "seq", "manifest", "pass", "frontier_b64"})
        check(name, position_error);
    for (const char* name : {"format", "id", "cluster_id", "raft_term", "slack", "rules", "spans", "anchors",
                             "slave_cluster_id", "slave_revision", "time"})
        check(name, manifest_error);
    const auto check_number = [](const char* name, const auto& error_with) {
        const std::string quoted = "\"" + std::string(name) + "\":";
        CAPTURE(name);
        for (const char* wrong : {"-1", "1.5", "1e30", "18446744073709551616"})
            CHECK_FALSE(error_with(quoted, quoted + wrong + ",\"x\":").empty());
    };
    for (const char* name : {"revision", "seq", "event", "count"}) check_number(name, position_error);
    for (const char* name : {"raft_term", "raft_index", "since", "slave_revision", "mod_revision", "seen_at"})
        check_number(name, manifest_error);
    CHECK_FALSE(position_error("\"revision\":", "\"revision\":9223372036854775808,\"x\":").empty());
    CHECK_FALSE(manifest_error("\"since\":", "\"since\":9223372036854775808,\"x\":").empty());
}

TEST_CASE("keys that are not base64, ids that are not hexadecimal and unknown passes are rejected") {
    CHECK_FALSE(position_error("\"frontier_b64\":\"", "\"frontier_b64\":\"!").empty());
    CHECK_FALSE(manifest_error("\"start_b64\":\"", "\"start_b64\":\"?").empty());
    CHECK_FALSE(manifest_error("\"cluster_id\":\"", "\"cluster_id\":\"xyz").empty());
    CHECK_FALSE(manifest_error("\"cluster_id\":\"", "\"cluster_id\":\"1234567890").empty());  // too long
    CHECK_FALSE(manifest_error("\"cluster_id\":\"cdf818194e3a8c32\"", "\"cluster_id\":\"\"").empty());
    CHECK_FALSE(position_error("\"pass\":\"repair\"", "\"pass\":\"REPAIR\"").empty());
    CHECK_FALSE(manifest_error("\"spans\":[", "\"spans\":[1,").empty());
}

TEST_CASE("an event revision above the revision is rejected") {
    CHECK_FALSE(position_error("\"event\":4700", "\"event\":4712").empty());
    CHECK(position_error("\"event\":4700", "\"event\":4711").empty());
}

TEST_CASE("unknown members are ignored, because a newer version may add some") {
    CHECK(position_error("\"format\":2", "\"format\":2,\"lanes\":[{\"key\":\"x\"}],\"colour\":5").empty());
    CHECK(manifest_error("\"format\":2", "\"format\":2,\"lanes\":[{\"key\":\"x\"}],\"colour\":5").empty());
}

TEST_CASE("what is not known yet is absent: the newest event, its digest and the count") {
    checkpoint young = full();
    young.event_revision = 0;
    young.event_digest.clear();
    young.count.reset();
    const std::string text = encode(young).position;
    for (const char* name : {"event", "digest", "count"}) CHECK(text.find(name) == std::string::npos);
    const auto parsed = parse_checkpoint(encode(young));
    REQUIRE(parsed.has_value());
    check_same(young, *parsed);
}

TEST_CASE("a checkpoint of version 0.1 is read, without its digests") {
    const auto parsed = parse_checkpoint({format_1, std::nullopt});
    REQUIRE(parsed.has_value());
    checkpoint expected = full();
    expected.frontier = "/a";
    expected.event_digest.clear();
    expected.writer = "00000000deadbeef";
    expected.manifest_id.clear();
    expected.raft = {};
    expected.rules.clear();
    expected.spans = {{{"/a/", "/a0"}, 17}};
    expected.anchors = {{"/a/", 7, 4600, 3, "", 4711}};
    expected.slave_cluster_id = 0;
    expected.slave_revision = 0;
    check_same(expected, *parsed);
    // The manifest of a newer version that was replaced by the old one does not belong to it.
    CHECK(parse_checkpoint({format_1, encode(full()).manifest}).has_value());
}

TEST_CASE("a checkpoint of version 0.1 without anchors and count is valid; one with an invalid member is rejected") {
    const std::string without = replaced(format_1, R"("anchors":[{)", R"("unknown":[{)");
    REQUIRE(parse_checkpoint({without, std::nullopt}).has_value());
    CHECK(parse_checkpoint({without, std::nullopt})->anchors.empty());
    for (const auto& [from, to] :
         {std::pair(R"("pass":"repair")", R"("pass":"x")"),
          std::pair(R"("event_revision":4700)", R"("event_revision":4712)"),
          std::pair(R"("since":17)", R"("since":-1)"), std::pair(R"("seq":12)", R"("seq":"12")")}) {
        CAPTURE(to);
        CHECK(parse_checkpoint({replaced(format_1, from, to), std::nullopt}).has_error());
    }
}

TEST_CASE("a truncated or corrupted checkpoint causes no crash, and the parsed values are consistent") {
    const checkpoint_text whole = encode(full());
    const auto look = [](const checkpoint_text& text) {
        const auto parsed = parse_checkpoint(text);
        if (!parsed) return;
        CHECK(parsed->rev >= 0);
        CHECK(parsed->event_revision >= 0);
        CHECK(parsed->event_revision <= parsed->rev);
    };
    for (std::size_t size = 0; size < whole.position.size(); ++size)
        CHECK_FALSE(error_of({whole.position.substr(0, size), whole.manifest}).empty());
    for (std::size_t size = 0; size < whole.manifest->size(); ++size)
        CHECK_FALSE(error_of({whole.position, whole.manifest->substr(0, size)}).empty());
    base::random_source random(5);
    for (int round = 0; round < 3000; ++round) {
        checkpoint_text text = whole;
        std::string& one = round % 2 == 0 ? text.position : *text.manifest;
        for (std::uint64_t n = 1 + random.next() % 4; n > 0; --n)
            one[random.next() % one.size()] = static_cast<char>(random.next() % 256);
        look(text);
    }
}

TEST_CASE("the key of a position is the prefix and the instance name") {
    CHECK(position_key("/.etcd-sync/", "it") == "/.etcd-sync/it");
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
    checkpoint_text text = encode(full());
    text.position.insert(text.position.size() - 1, std::string(1U << 20, ' '));
    CHECK_FALSE(error_of(text).empty());
    CHECK_FALSE(error_of({std::string(2U << 20, '['), std::nullopt}).empty());
}

TEST_CASE("that the master had another history survives the loss of the manifest") {
    checkpoint held = full();
    held.pass = sync_pass::none;
    held.other = true;
    checkpoint_text text = encode(held);
    SUBCASE("missing") { text.manifest.reset(); }
    SUBCASE("of another position") { text.manifest = encode_manifest(held, "ffffffff"); }
    SUBCASE("damaged") { text.manifest = "{"; }
    const auto parsed = parse_checkpoint(text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->other);
    CHECK(parsed->writer == held.writer);
    CHECK(parsed->seq == held.seq);
    CHECK(parsed->rev == 0);
    CHECK(parsed->rules.empty());
}

TEST_CASE("a revision that is applied in parts during a full sync is marked as well") {
    for (const sync_pass pass : {sync_pass::repair, sync_pass::prune}) {
        checkpoint at = full();
        at.pass = pass;
        at.split = true;
        const auto parsed = parse_checkpoint(encode(at));
        REQUIRE(parsed.has_value());
        check_same(at, *parsed);
    }
    const std::string wrong = replaced(encode([] {
                                           checkpoint at = full();
                                           at.split = true;
                                           return at;
                                       }())
                                           .position,
                                       R"("split":true)", R"("split":1)");
    CHECK(parse_checkpoint({wrong, encode(full()).manifest}).has_error());
}
