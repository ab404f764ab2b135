// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/slave_writer.hpp"

#include "base/text.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/slave/limit_learning.hpp"
#include "replication/slave/migration_txn.hpp"

#include <functional>
#include <utility>

namespace etcdsync::replication {
namespace {

/// Data on a slave is not trusted: this limits the size of all checkpoints together.
constexpr std::size_t max_checkpoints_bytes = 4U << 20;

}  // namespace

etcd::range_query slave_writer::checkpoint_query() const {
    etcd::range_query query;
    query.key = key_;
    query.max_response = max_checkpoints_bytes;
    return query;
}

aio::awaitable<etcd::result<slave_writer::found>> slave_writer::read() {
    const etcd::range_query query = checkpoint_query();
    const auto page = co_await kv_.range(query);
    if (!page) co_return page.error();
    found out;
    out.slave_revision = page->header.store_revision;
    out.cluster_id = page->header.cluster_id;
    mod_revision_ = 0;
    text_.clear();
    if (!page->kvs.empty()) {
        mod_revision_ = page->kvs.front().mod_revision;
        text_ = page->kvs.front().value;
        out.record = parse_checkpoint(text_);
        if (*out.record) record_.seq = (*out.record)->seq;
    }
    ours_ = out.record && *out.record && (*out.record)->writer == context_->writer;
    if (ours_) record_ = **out.record;
    co_return out;
}

aio::awaitable<etcd::result<found_records>> slave_writer::read_all() {
    found_records out;
    const auto add = [&out](const etcd::range_page& page) {
        for (const etcd::key_value& kv : page.kvs) out.records.push_back({std::string(kv.key), std::string(kv.value)});
    };
    etcd::range_query query;
    query.max_response = max_checkpoints_bytes;
    query.key = records_->all_mode_key();
    const auto all_mode = co_await kv_.range(query);
    if (!all_mode) co_return all_mode.error();
    out.at = all_mode->header.store_revision;
    add(*all_mode);
    const wire_range per_rule(records_->per_rule());
    query.key = per_rule.key;
    query.range_end = per_rule.range_end;
    query.at = out.at;
    const auto rest = co_await kv_.range(query);
    if (!rest) co_return rest.error();
    add(*rest);
    co_return out;
}

aio::awaitable<etcd::result<bool>> slave_writer::migrate(found_records all, const migration& plan, txn_limits& limits,
                                                         bool in_parts) {
    const migration_writes writes(plan, context_->writer, base::format_time(context_->clock.wall()));
    std::size_t done = 0;
    while (done < writes.size()) {
        const batch part = writes.next(done, limits);
        if (!in_parts && part.writes().size() < writes.size()) co_return false;
        const std::function<std::string()> encode_framed = [&] {
            return encode_migration_txn(part, all, *records_, limits.max_ops);
        };
        in_flight_ = true;
        const auto answer = co_await kv_.txn(encode_framed);
        in_flight_ = false;
        if (!answer && shrink_limits(answer.error(), part, limits)) continue;
        if (!answer) co_return answer.error();
        if (!answer->succeeded) co_return false;
        apply(part, answer->header.store_revision, all);
        done += part.writes().size();
    }
    co_return true;
}

aio::awaitable<etcd::result<bool>> slave_writer::commit(const batch& writes, checkpoint next, unsigned max_ops) {
    next.seq = record_.seq + 1;
    next.time = base::format_time(context_->clock.wall());
    std::string text = encode(next);
    etcd::guard before;
    before.key = key_;
    before.mod_revision = mod_revision_;
    before.value = text_;
    const keys::key_range other = sees_other_mode_ ? records_->other_mode() : keys::key_range();
    const etcd::absent_condition none_other{other.begin, other.end};
    const std::function<std::string()> encode_framed = [&] {
        return etcd::encode_guarded_txn(before, writes.writes(), text, max_ops, none_other);
    };
    ours_ = false;
    in_flight_ = true;
    const auto answer = co_await kv_.txn(encode_framed);
    in_flight_ = false;
    if (!answer) co_return answer.error();
    if (!answer->succeeded) co_return false;
    record_ = std::move(next);
    last_written_ = record_.seq;
    ours_ = record_.writer == context_->writer;
    text_ = std::move(text);
    mod_revision_ = answer->header.store_revision;
    co_return true;
}

aio::awaitable<etcd::result<bool>> slave_writer::checkpoint_unchanged() {
    const etcd::range_query query = checkpoint_query();
    const auto page = co_await kv_.range(query);
    if (!page) co_return page.error();
    co_return page->kvs.size() == 1 && page->kvs.front().mod_revision == mod_revision_ &&
        page->kvs.front().value == text_;
}

}  // namespace etcdsync::replication
