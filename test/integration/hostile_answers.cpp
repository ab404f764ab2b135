// SPDX-License-Identifier: Apache-2.0
#include "grpc/framing.hpp"
#include "hostile_cases.hpp"

#include <algorithm>
#include <limits>

namespace etcdsync::test {
namespace {

namespace pb = etcdserverpb;
using namespace std::chrono_literals;

using range_twist = std::function<void(const pb::RangeRequest&, pb::RangeResponse&)>;
using txn_twist = std::function<void(pb::TxnResponse&)>;

constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t beyond = std::int64_t{1} << 62;
constexpr std::string_view checkpoint_keys = "/.etcd-sync/";

hostile_case range(std::string name, range_twist twist) {
    hostile_case out{"range: " + std::move(name), {}, 700ms};  // time for a full sync to begin
    out.how.range = [twist = std::move(twist)](const pb::RangeRequest& asked, pb::RangeResponse& answer) {
        twist(asked, answer);
        return true;
    };
    return out;
}

/// Changes only pages of keys, not the checkpoint and not health probes.
hostile_case pages(std::string name, range_twist twist) {
    hostile_case out = range(std::move(name), {});
    out.how.range = [twist = std::move(twist)](const pb::RangeRequest& asked, pb::RangeResponse& answer) {
        if (asked.key().starts_with(checkpoint_keys) || asked.limit() == 1) return false;
        twist(asked, answer);
        return true;
    };
    return out;
}

hostile_case txn(std::string name, txn_twist twist) {
    hostile_case out{"txn: " + std::move(name), {}};
    out.how.txn = [twist = std::move(twist)](const pb::TxnRequest&, pb::TxnResponse& answer) { twist(answer); };
    return out;
}

/// The checkpoint has the value that `make` returns.
hostile_case checkpoint(std::string name, std::function<std::string()> make) {
    hostile_case out{"checkpoint: " + std::move(name), {}};
    out.how.range = [make = std::move(make)](const pb::RangeRequest& asked, pb::RangeResponse& answer) {
        if (!asked.key().starts_with(checkpoint_keys) || !asked.range_end().empty()) return false;
        answer.clear_kvs();
        pb::KeyValue& kv = *answer.add_kvs();
        kv.set_key(asked.key());
        kv.set_value(make());
        kv.set_create_revision(2);
        kv.set_mod_revision(3);
        kv.set_version(2);
        answer.set_count(1);
        return true;
    };
    return out;
}

pb::KeyValue& add(pb::RangeResponse& to, std::string key, std::string value = "v") {
    pb::KeyValue& kv = *to.add_kvs();
    kv.set_key(std::move(key));
    kv.set_value(std::move(value));
    kv.set_create_revision(2);
    kv.set_mod_revision(3);
    kv.set_version(1);
    return kv;
}

hostile_case store_at(std::string name, std::function<std::int64_t()> revision) {
    return range("store revision " + std::move(name),
                 [revision = std::move(revision)](const pb::RangeRequest&, pb::RangeResponse& answer) {
                     answer.mutable_header()->set_revision(revision());
                 });
}

std::function<std::int64_t()> always(std::int64_t revision) {
    return [revision] { return revision; };
}

std::string valid_checkpoint(std::string_view revision, std::string_view writer, std::string_view seq) {
    return "{\"format\":1,\"instance\":\"etcd-sync\",\"cluster_id\":\"1\",\"raft_term\":2,\"revision\":" +
           std::string(revision) +
           R"(,"state":"follow","pass":"none","frontier_b64":"","event_revision":0,"event_digest":"","rules":"","spans":[],"writer":")" +
           std::string(writer) + "\",\"seq\":" + std::string(seq) + R"(,"time":"2026-11-27T00:00:00Z"})";
}

hostile_cases malformed_pages() {
    hostile_cases all;
    all.push_back(pages("`more` without a key", [](const auto&, auto& answer) {
        answer.clear_kvs();
        answer.set_more(true);
        answer.set_count(1'000'000);
    }));
    all.push_back(pages("`more` with the same key forever", [](const auto&, auto& answer) {
        answer.clear_kvs();
        add(answer, "/a/same");
        answer.set_more(true);
    }));
    all.push_back(pages("keys outside the range", [](const auto&, auto& answer) {
        answer.clear_kvs();
        add(answer, "/elsewhere");
        add(answer, "/z");
    }));
    all.push_back(pages("keys out of order", [](const auto&, auto& answer) {
        answer.clear_kvs();
        for (const char* key : {"/a/3", "/a/1", "/a/2"}) add(answer, key);
    }));
    all.push_back(pages("one key a thousand times", [](const auto&, auto& answer) {
        answer.clear_kvs();
        for (int i = 0; i < 1'000; ++i) add(answer, "/a/k");
    }));
    all.push_back(pages("keys without a name", [](const auto&, auto& answer) {
        answer.clear_kvs();
        for (int i = 0; i < 100'000; ++i) answer.add_kvs();
    }));
    all.push_back(pages("a hundred thousand more than requested", [](const auto&, auto& answer) {
        answer.clear_kvs();
        for (int i = 0; i < 100'000; ++i) add(answer, "/a/" + std::to_string(1'000'000 + i), "");
    }));
    all.push_back(pages("keys without revisions", [](const auto&, auto& answer) {
        for (auto& kv : *answer.mutable_kvs()) kv.set_mod_revision(0);
    }));
    all.push_back(pages("keys with future revisions", [](const auto&, auto& answer) {
        for (auto& kv : *answer.mutable_kvs()) kv.set_mod_revision(beyond);
    }));
    all.push_back(pages("keys with negative revisions", [](const auto&, auto& answer) {
        for (auto& kv : *answer.mutable_kvs()) kv.set_create_revision(-highest);
    }));
    for (const std::int64_t count : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, beyond, highest}) {
        all.push_back(
            pages("count " + std::to_string(count), [count](const auto&, auto& answer) { answer.set_count(count); }));
    }
    all.push_back(pages("a value of 12 MiB", [](const auto& asked, auto& answer) {
        answer.clear_kvs();
        add(answer, asked.range_end().empty() ? asked.key() : "/a/k", std::string(12U << 20, 'x'));
    }));
    all.push_back(pages("a key of 3 MiB", [](const auto&, auto& answer) {
        answer.clear_kvs();
        add(answer, "/a/" + std::string(3U << 20, 'k'));
    }));
    all.push_back(pages("keys with escapes", [](const auto&, auto& answer) {
        answer.clear_kvs();
        add(answer, "/a/\x1b[2J\r\n\x07");
        add(answer, "/b/\x1b[31m outside");
    }));
    return all;
}

}  // namespace

hostile_cases range_cases() {
    hostile_cases all = malformed_pages();
    all.push_back(store_at("0", always(0)));
    all.push_back(store_at("-1", always(-1)));
    all.push_back(store_at("1", always(1)));
    all.push_back(store_at("2^52", always(std::int64_t{1} << 52)));
    all.push_back(store_at("2^62", always(beyond)));
    all.push_back(store_at("2^63-1", always(highest)));
    all.push_back(
        store_at("up and down", [n = std::make_shared<std::atomic<int>>(0)] { return ++*n % 2 == 0 ? 5 : 5'000; }));
    all.push_back(range("another cluster each time",
                        [n = std::make_shared<std::atomic<std::uint64_t>>(7)](const auto&, auto& answer) {
                            answer.mutable_header()->set_cluster_id(++*n);
                        }));
    all.push_back(range("no header", [](const auto&, auto& answer) { answer.clear_header(); }));
    all.push_back(range("nothing at all", [](const auto&, auto& answer) { answer.Clear(); }));
    return all;
}

hostile_cases slave_cases() {
    hostile_cases all;
    all.push_back(txn("never succeeded", [](auto& answer) { answer.set_succeeded(false); }));
    all.push_back(txn("always succeeded", [](auto& answer) { answer.set_succeeded(true); }));
    all.push_back(txn("no responses", [](auto& answer) { answer.clear_responses(); }));
    all.push_back(txn("nothing at all", [](auto& answer) { answer.Clear(); }));
    all.push_back(txn("succeeded, and nothing else", [](auto& answer) {
        answer.Clear();
        answer.set_succeeded(true);
    }));
    all.push_back(txn("responses of another type", [](auto& answer) {
        for (auto& one : *answer.mutable_responses()) one.mutable_response_range()->add_kvs()->set_key("x");
    }));
    all.push_back(txn("one response too many", [](auto& answer) { answer.add_responses(); }));
    all.push_back(txn("a hundred thousand responses", [](auto& answer) {
        for (int i = 0; i < 100'000; ++i) answer.add_responses()->mutable_response_put();
    }));
    all.push_back(txn("5 MiB of previous values", [](auto& answer) {
        answer.add_responses()->mutable_response_put()->mutable_prev_kv()->set_value(std::string(5U << 20, 'x'));
    }));
    for (const std::int64_t at :
         {std::int64_t{-7}, std::int64_t{0}, std::int64_t{1}, std::int64_t{1} << 40, beyond, highest})
        all.push_back(
            txn("revision " + std::to_string(at), [at](auto& answer) { answer.mutable_header()->set_revision(at); }));
    all.push_back(checkpoint("at 2^62", [] { return valid_checkpoint("4611686018427387904", "w", "1"); }));
    all.push_back(checkpoint("at a future revision", [] { return valid_checkpoint("1000000000", "w", "1"); }));
    all.push_back(checkpoint("at a negative revision", [] { return valid_checkpoint("-5", "w", "1"); }));
    all.push_back(checkpoint("by another writer each time", [n = std::make_shared<std::atomic<int>>(0)] {
        return valid_checkpoint("5", "writer-" + std::to_string(++*n), "18446744073709551615");
    }));
    all.push_back(
        checkpoint("with escapes", [] { return valid_checkpoint("5", "\\u001b[31m", "1").append("\x1b[2J"); }));
    all.push_back(checkpoint("deeply nested", [] { return std::string(500'000, '['); }));
    all.push_back(checkpoint("of 3 MiB of arrays", [] {
        std::string arrays = "[";
        for (int i = 0; i < 1'000'000; ++i) arrays += "[],";
        return arrays + "[]]";
    }));
    all.push_back(checkpoint("of 8 MiB", [] { return std::string(8U << 20, ' '); }));
    all.push_back(checkpoint("empty", [] { return std::string(); }));
    all.push_back(range("ten thousand checkpoints", {}));
    all.back().how.range = [](const pb::RangeRequest& asked, pb::RangeResponse& answer) {
        if (!asked.key().starts_with(checkpoint_keys) || asked.range_end().empty()) return false;
        answer.clear_kvs();
        for (int i = 0; i < 10'000; ++i)
            add(answer, asked.key() + std::to_string(100'000 + i), valid_checkpoint("5", "w", "1"));
        return true;
    };
    return all;
}

}  // namespace etcdsync::test
