// SPDX-License-Identifier: Apache-2.0
#include "replication/record/leader_record.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

leader_record example() {
    leader_record out;
    out.process = {"0f6a7d5e-92d4-4b6b-8f0e-1c7f3f1d2a3b", 4'026'531'836, 4711, 123'456};
    out.writer = "1f2e3d4c5b6a7988";
    out.since = "2026-01-02T03:04:05Z";
    out.cluster_id = std::numeric_limits<std::uint64_t>::max();
    out.rules = "0123456789abcdef";
    return out;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("the value of a leader key is JSON, and reads back") {
    const std::string text = encode(example());
    CHECK(text ==
          R"({"format":1,"writer":"1f2e3d4c5b6a7988","since":"2026-01-02T03:04:05Z","cluster_id":"ffffffffffffffff",)"
          R"("rules":"0123456789abcdef","boot_id":"0f6a7d5e-92d4-4b6b-8f0e-1c7f3f1d2a3b","pid_namespace":4026531836,)"
          R"("pid":4711,"start_time":123456})");
    const auto again = parse_leader_record(text);
    REQUIRE(again.has_value());
    CHECK(*again == example());
}

TEST_CASE("a process that does not know where it runs can still lead") {
    leader_record nowhere = example();
    nowhere.process = {};
    const auto again = parse_leader_record(encode(nowhere));
    REQUIRE(again.has_value());
    CHECK(again->process == base::process_identity());
}

TEST_CASE("anything else in a leader key is refused with what is wrong") {
    const std::string good = encode(example());
    const auto wrong = [](std::string_view text) {
        const auto record = parse_leader_record(text);
        REQUIRE(record.has_error());
        return record.error().text;
    };
    CHECK(wrong("") == "it is not JSON");
    CHECK(wrong("[]") == "it is not a JSON object");
    CHECK(wrong(std::string(8'192, ' ')) == "it is larger than any record of a leader");
    CHECK(wrong(replaced(good, "\"format\":1", "\"format\":2")) ==
          "\"format\" is not 1: another version of etcd-sync wrote it");
    CHECK(wrong(replaced(good, "\"pid\":4711,", "")) == "\"pid\" is missing");
    CHECK(wrong(replaced(good, "4711", "-1")) == "\"pid\" is not an integer from 0 to 2^53");
    CHECK(wrong(replaced(good, "4711", "\"4711\"")) == "\"pid\" is not an integer from 0 to 2^53");
    CHECK(wrong(replaced(good, "ffffffffffffffff", "xyz")) == "\"cluster_id\" is not a hexadecimal id");
    CHECK(wrong(replaced(good, "2026-01-02T03:04:05Z", "\\u001b[31m")) == "\"since\" is not a short text");
    CHECK(wrong(replaced(good, "2026-01-02T03:04:05Z", std::string(257, 'x'))) == "\"since\" is not a short text");
}

TEST_CASE("the leader key of an instance is next to its checkpoint") {
    CHECK(leader_key("/.etcd-sync/", "etcd-sync") == "/.etcd-sync/etcd-sync:leader");
}
