// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/migration_txn.hpp"

#include "etcd/txn.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace etcdsync::replication {

migration_writes::migration_writes(const migration& plan, std::string_view writer, std::string_view time) {
    for (const migration_step& step : plan.steps) {
        const std::string& key = texts_.emplace_back(step.key);
        if (!step.record) {
            writes_.push_back({etcd::event_type::remove, key, {}});
            continue;
        }
        checkpoint next = *step.record;
        next.writer = writer;
        next.time = time;
        const std::string& text = texts_.emplace_back(encode(next));
        writes_.push_back({etcd::event_type::put, key, text});
    }
    std::ranges::stable_partition(writes_,
                                  [](const etcd::operation& write) { return write.type == etcd::event_type::put; });
}

batch migration_writes::next(std::size_t first, const txn_limits& of_slave) const {
    txn_limits limits = of_slave;
    limits.max_bytes = std::max(limits.max_bytes, limits.max_revision_bytes);  // as little is split as possible
    batch out(limits);
    const auto add = [&](batch& to, const etcd::operation& write) {
        return to.add(write.type, write.key, write.value, nullptr);
    };
    while (first < writes_.size() && add(out, writes_[first])) ++first;
    if (!out.empty()) return out;
    // A checkpoint larger than the budget of a Txn is sent alone: only the slave knows whether it accepts it.
    batch alone(txn_limits::none());
    static_cast<void>(add(alone, writes_[first]));
    return alone;
}

std::string encode_migration_txn(const batch& writes, const found_records& found, const record_set& records,
                                 unsigned max_ops) {
    // Any checkpoint shows whether the slave was wiped. The one of mode "all" lies outside the interval, so it must be the
    // sample.
    const found_record& sample = found.records.front();
    const keys::key_range& per_rule = records.per_rule();
    const etcd::unmodified_since since{per_rule.begin, per_rule.end, found.at, sample.key, sample.text};
    std::string_view absent = records.all_mode_key();
    if (sample.key == absent) absent = {};
    return etcd::encode_conditional_txn(since, absent, writes.writes(), max_ops);
}

void apply(const batch& writes, revision at, found_records& found) {
    std::map<std::string, std::string> now;  // sorted: the checkpoint of mode "all" is the first
    for (found_record& one : found.records) now.insert_or_assign(std::move(one.key), std::move(one.text));
    for (const etcd::operation& write : writes.writes()) {
        if (write.type == etcd::event_type::put)
            now.insert_or_assign(std::string(write.key), std::string(write.value));
        else
            now.erase(std::string(write.key));
    }
    found.records.clear();
    for (auto& [key, text] : now) found.records.push_back({key, std::move(text)});
    found.at = at;
}

}  // namespace etcdsync::replication
