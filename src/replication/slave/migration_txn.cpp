// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/migration_txn.hpp"

#include "etcd/txn.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace etcdsync::replication {

migration_writes::migration_writes(const migration& plan, std::string_view writer, std::string_view time) {
    for (const migration_step& step : plan.steps) {
        const std::string& position = texts_.emplace_back(step.at.position);
        const std::string& manifest = texts_.emplace_back(step.at.manifest);
        if (!step.record) {
            writes_.push_back({etcd::event_type::remove, position, {}});
            writes_.push_back({etcd::event_type::remove, manifest, {}});
            continue;
        }
        checkpoint next = *step.record;
        next.writer = writer;
        next.time = time;
        const std::string& position_text = texts_.emplace_back(encode_position(next));
        const std::string& manifest_text = texts_.emplace_back(encode_manifest(next, next.manifest_id));
        writes_.push_back({etcd::event_type::put, position, position_text});
        writes_.push_back({etcd::event_type::put, manifest, manifest_text});
    }
    std::ranges::stable_partition(writes_,
                                  [](const etcd::operation& write) { return write.type == etcd::event_type::put; });
}

batch migration_writes::next(std::size_t first, const txn_limits& of_slave) const {
    constexpr std::size_t keys_of_checkpoint = 2;  // which are never split
    txn_limits limits = of_slave;
    limits.max_bytes = std::max(limits.max_bytes, limits.max_revision_bytes);  // as little is split as possible
    // A checkpoint larger than the budget of a Txn is sent alone: only the slave knows whether it accepts it.
    std::size_t end = first + keys_of_checkpoint;
    std::size_t bytes = 0;
    for (std::size_t i = first; i < writes_.size(); ++i) {
        bytes += writes_[i].encoded_size();
        if (bytes > limits.max_bytes || i + 1 - first > limits.max_writes()) break;
        if ((i + 1 - first) % keys_of_checkpoint == 0) end = std::max(end, i + 1);
    }
    batch out(txn_limits::none());
    for (std::size_t i = first; i < end; ++i)
        static_cast<void>(out.add(writes_[i].type, writes_[i].key, writes_[i].value, nullptr));
    return out;
}

std::string encode_migration_txn(const batch& writes, const found_records& found, const record_set& records,
                                 unsigned max_ops) {
    // Any checkpoint shows whether the slave was wiped. The one of mode "all" lies outside the interval, so it must be the
    // sample.
    const found_record& sample = found.records.front();
    const keys::key_range& per_rule = records.per_rule();
    const etcd::unmodified_since since{per_rule.begin, per_rule.end, found.at, sample.at.position,
                                       sample.text.position};
    std::string_view absent = records.all_mode_key();
    if (sample.at.position == absent) absent = {};
    return etcd::encode_conditional_txn(since, absent, writes.writes(), max_ops);
}

void apply(const batch& writes, revision at, const record_set& records, found_records& found) {
    std::map<std::string, std::string> now;  // sorted: the checkpoint of mode "all" is the first
    for (found_record& one : found.records) {
        now.insert_or_assign(std::move(one.at.position), std::move(one.text.position));
        if (one.text.manifest) now.insert_or_assign(std::move(one.at.manifest), std::move(*one.text.manifest));
    }
    for (const etcd::operation& write : writes.writes()) {
        if (write.type == etcd::event_type::put)
            now.insert_or_assign(std::string(write.key), std::string(write.value));
        else
            now.erase(std::string(write.key));
    }
    found.records.clear();
    for (const auto& [key, text] : now) {
        if (records.manifests().contains(key)) continue;
        found_record one{records.keys_at(key), {text, std::nullopt}};
        const auto manifest = now.find(one.at.manifest);
        if (manifest != now.end()) one.text.manifest = manifest->second;
        found.records.push_back(std::move(one));
    }
    found.at = at;
}

}  // namespace etcdsync::replication
