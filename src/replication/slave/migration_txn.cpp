// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/migration_txn.hpp"

#include "etcd/txn.hpp"

#include <deque>
#include <vector>

namespace etcdsync::replication {

std::string encode_migration_txn(const migration& plan, const found_records& found, const record_set& records,
                                 std::string_view writer, std::string_view time, unsigned max_ops) {
    std::deque<std::string> texts;  // the writes refer to them
    std::vector<etcd::operation> writes;
    for (const migration_step& step : plan.steps) {
        if (!step.record) {
            writes.push_back({etcd::event_type::remove, step.key, {}});
            continue;
        }
        checkpoint next = *step.record;
        next.writer = writer;
        next.time = time;
        const std::string& text = texts.emplace_back(encode(next));
        writes.push_back({etcd::event_type::put, step.key, text});
    }
    // Any checkpoint shows whether the slave was wiped. The one of mode "all" lies outside the interval, so it must be the
    // sample.
    const found_record& sample = found.records.front();
    const keys::key_range& per_rule = records.per_rule();
    const etcd::unmodified_since since{per_rule.begin, per_rule.end, found.at, sample.key, sample.text};
    std::string_view absent = records.all_mode_key();
    if (sample.key == absent) absent = {};
    return etcd::encode_conditional_txn(since, absent, writes, max_ops);
}

}  // namespace etcdsync::replication
