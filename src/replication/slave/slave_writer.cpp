// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/slave_writer.hpp"

#include "base/escape.hpp"
#include "base/text.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/slave/learned_limits.hpp"
#include "replication/slave/migration_txn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace etcdsync::replication {
namespace {

/// The checkpoint with this position, without its manifest.
found_record position_in(const record_set& records, const etcd::key_value& position) {
    found_record out;
    out.at = records.keys_at(position.key);
    out.text.position = position.value;
    return out;
}

/// Adds its manifest to a checkpoint, if it is among `manifests`.
void add_manifest(found_record& to, const etcd::range_page& manifests) {
    const auto at = std::ranges::lower_bound(manifests.kvs, to.at.manifest, {}, &etcd::key_value::key);
    if (at != manifests.kvs.end() && at->key == to.at.manifest) to.text.manifest = at->value;
}

bool is_too_big(const etcd::error& refused) {
    using enum etcd::error_class;
    return refused.cls == too_large || refused.cls == too_many_ops || refused.cls == no_nesting;
}

/// Adds to "permission denied" on the checkpoint what the user needs.
etcd::error with_needed_grant(etcd::error why, const record_set& records) {
    if (!etcd::is_permission_denied(why)) return why;
    const keys::key_range needed = records.all_keys();
    why.text += fmt::format("; the checkpoint needs readwrite from {} to before {}", base::printable(needed.begin),
                            base::printable(needed.end));
    return why;
}

}  // namespace

aio::awaitable<etcd::result<slave_writer::found>> slave_writer::read() {
    const auto stored = co_await read_checkpoint(kv_, keys_);
    if (!stored) co_return with_needed_grant(stored.error(), *records_);
    take(*stored);
    found out;
    out.slave_revision = header_.store_revision;
    out.cluster_id = header_.cluster_id;
    out.record = stored->parsed();
    if (out.record && *out.record) record_.seq = (*out.record)->seq;
    ours_ = out.record && *out.record && (*out.record)->writer == context_->writer;
    if (ours_) record_ = **out.record;
    if (out.record && *out.record) {
        schedule_.found(**out.record, context_->clock.now());
    } else {
        schedule_ = {};
    }
    co_return out;
}

void slave_writer::take(const stored_checkpoint& stored) {
    header_ = stored.header;
    mod_revision_ = stored.position_revision;
    manifest_revision_ = stored.manifest_revision;
    text_ = stored.text ? stored.text->position : std::string();
}

aio::awaitable<etcd::result<found_records>> slave_writer::read_all() {
    found_records out;
    etcd::range_query query;
    query.key = records_->all_mode_key();
    // One page at a time: a slave that is not ours may have many of them.
    auto end = co_await read_positions(query, out);
    if (!end) co_return end.error();
    const wire_range per_rule(records_->per_rule());
    query.key = per_rule.key;
    query.range_end = per_rule.range_end;
    end = co_await read_positions(query, out);
    if (!end) co_return end.error();
    if (out.records.empty()) co_return out;
    const wire_range manifests(records_->manifests());
    query.key = manifests.key;
    query.range_end = manifests.range_end;
    query.at = out.at;
    query.max_response = max_checkpoints_bytes;
    const auto page = co_await kv_.range(query);
    if (!page) co_return page.error();
    for (found_record& one : out.records) add_manifest(one, *page);
    co_return out;
}

aio::awaitable<etcd::result<void>> slave_writer::read_positions(etcd::range_query query, found_records& into) {
    query.at = into.at;
    query.max_response = max_checkpoints_bytes;
    const auto page = co_await kv_.range(query);
    if (!page) co_return page.error();
    if (into.at == 0) into.at = page->header.store_revision;
    for (const etcd::key_value& kv : page->kvs) into.records.push_back(position_in(*records_, kv));
    co_return etcd::result<void>();
}

aio::awaitable<etcd::result<bool>> slave_writer::migrate(found_records all, migration plan, learned_limits& limits,
                                                         bool in_parts) {
    for (migration_step& step : plan.steps) {
        if (step.record) step.record->manifest_id = new_manifest_id(context_->random);
    }
    const migration_writes writes(plan, context_->writer, base::format_time(context_->clock.wall()));
    std::size_t done = 0;
    while (done < writes.size()) {
        const batch part = writes.next(done, limits.now());
        if (!in_parts && part.writes().size() < writes.size()) co_return false;
        const std::function<std::string()> encode_framed = [&] {
            return encode_migration_txn(part, all, *records_, limits.now().max_ops);
        };
        in_flight_ = true;
        const auto answer = co_await kv_.txn(encode_framed);
        in_flight_ = false;
        if (!answer && limits.note_refused(answer.error(), part)) continue;
        if (!answer) co_return answer.error();
        if (!answer->succeeded) co_return false;
        apply(part, answer->header.store_revision, *records_, all);
        done += part.writes().size();
    }
    co_return true;
}

std::string slave_writer::prepare(const batch& writes, checkpoint& next, const txn_limits& limits) {
    next.seq = record_.seq + 1;
    next.manifest_id = schedule_.id();
    const auto now = context_->clock.now();
    const bool required = schedule_.is_required(next);
    const bool has_room = etcd::has_room_for_manifest(writes.writes().size(), limits.max_ops);
    if (!required && !(has_room && schedule_.is_due(next, now))) return {};
    const std::string id = new_manifest_id(context_->random);
    next.time = base::format_time(context_->clock.wall());
    std::string manifest = encode_manifest(next, id);
    const bool is_light = writes.bytes() + manifest.size() <= limits.max_bytes;
    if (!required && !is_light) return {};
    next.manifest_id = id;
    return manifest;
}

aio::awaitable<etcd::result<etcd::txn_response>> slave_writer::send(const batch& writes, std::string_view position,
                                                                    std::string_view manifest, unsigned max_ops) {
    etcd::guard before;
    before.key = keys_.position;
    before.mod_revision = mod_revision_;
    before.value = text_;
    etcd::operation with_it;
    if (!manifest.empty()) with_it = {etcd::event_type::put, keys_.manifest, manifest};
    const keys::key_range other = sees_other_mode_ ? records_->other_mode() : keys::key_range();
    const etcd::absent_condition none_other{other.begin, other.end};
    const std::function<std::string()> encode_framed = [&] {
        return etcd::encode_guarded_txn(before, writes.writes(), position, max_ops, none_other, with_it);
    };
    in_flight_ = true;
    auto answer = co_await kv_.txn(encode_framed);
    in_flight_ = false;
    co_return answer;
}

aio::awaitable<etcd::result<bool>> slave_writer::commit(const batch& writes, checkpoint next,
                                                        const txn_limits& limits) {
    std::string manifest = prepare(writes, next, limits);
    std::string text = encode_position(next);
    ours_ = false;
    auto answer = co_await send(writes, text, manifest, limits.max_ops);
    if (!answer && !manifest.empty() && !schedule_.is_required(next) && is_too_big(answer.error())) {
        // Nothing is learned from it: without the manifest the writes may well fit.
        schedule_.postpone(context_->clock.now());
        manifest.clear();
        next.manifest_id = schedule_.id();
        text = encode_position(next);
        answer = co_await send(writes, text, manifest, limits.max_ops);
    }
    if (!answer && writes.empty()) co_return with_needed_grant(answer.error(), *records_);
    if (!answer) co_return answer.error();
    if (!answer->succeeded) co_return false;
    header_ = answer->header;
    if (!manifest.empty()) manifest_revision_ = header_.store_revision;
    schedule_.committed(next, manifest.size(), context_->clock.now());
    record_ = std::move(next);
    last_written_ = record_.seq;
    ours_ = record_.writer == context_->writer;
    text_ = std::move(text);
    mod_revision_ = header_.store_revision;
    co_return true;
}

aio::awaitable<etcd::result<bool>> slave_writer::checkpoint_unchanged() {
    etcd::range_query query;
    query.key = keys_.position;
    query.max_response = max_checkpoints_bytes;
    const auto page = co_await kv_.range(query);
    if (!page) co_return page.error();
    header_ = page->header;
    const bool same =
        page->kvs.size() == 1 && page->kvs.front().mod_revision == mod_revision_ && page->kvs.front().value == text_;
    if (!same) co_return false;
    query.key = keys_.manifest;
    query.keys_only = true;
    query.at = header_.store_revision;
    const auto manifest = co_await kv_.range(query);
    if (!manifest) co_return manifest.error();
    const bool lost = manifest->kvs.empty() || manifest->kvs.front().mod_revision != manifest_revision_;
    if (lost) schedule_.lose();
    co_return true;
}

}  // namespace etcdsync::replication
