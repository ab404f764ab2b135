// SPDX-License-Identifier: Apache-2.0
#include "replication/master/revision_assembler.hpp"

#include "base/digest.hpp"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

namespace etcdsync::replication {
namespace {

/// etcd cuts an answer to a lagging watcher after this many revisions (mvcc watchBatchMaxRevs).
constexpr std::size_t batch_revisions = 1'000;

/// True if an event was dropped.
bool keep_last_of_each_key(std::vector<etcd::event>& changes) {
    if (changes.size() < 2) return false;
    std::unordered_map<std::string_view, std::size_t> last;
    for (std::size_t i = 0; i < changes.size(); ++i) last[changes[i].kv.key] = i;
    if (last.size() == changes.size()) return false;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        if (last[changes[i].kv.key] == i) changes[kept++] = changes[i];
    }
    changes.resize(kept);
    return true;
}

std::size_t content_size(const std::vector<etcd::event>& changes) {
    std::size_t size = 0;
    for (const etcd::event& change : changes) size += change.kv.key.size() + change.kv.value.size();
    return size;
}

std::size_t held_by(const log_entry& entry) {
    std::size_t held = 0;
    for (const base::shared_buffer& owner : entry.owners) held += owner->size();
    return held;
}

void copy_out(log_entry& entry, std::size_t size) {
    auto own = std::make_shared<std::string>();
    own->reserve(size);  // must not reallocate: views are taken while it grows
    for (etcd::event& change : entry.changes) {
        for (std::string_view* part : {&change.kv.key, &change.kv.value}) {
            const std::size_t at = own->size();
            own->append(*part);
            *part = std::string_view(*own).substr(at, part->size());
        }
    }
    entry.owners.assign(1, std::move(own));
}

}  // namespace

void fold(log_entry& entry) {
    entry.repeats_keys = keep_last_of_each_key(entry.changes);
    const std::size_t content = content_size(entry.changes);
    std::size_t held = held_by(entry);
    // An entry keeps a buffer alive even if it refers to a small part of it, and several entries
    // may share one buffer. The bytes counted per entry must bound the memory in use, so copy
    // unless the entry uses most of its buffers.
    if (content * 2 < held) {
        copy_out(entry, content);
        held = content;
    }
    entry.changes.shrink_to_fit();
    entry.bytes = held + sizeof(log_entry) + entry.changes.size() * sizeof(etcd::event);
}

void event_digest::add(const etcd::event& change) {
    base::digest digest;
    digest.add(static_cast<std::uint64_t>(change.type));
    digest.add(change.kv.key);
    digest.add(change.kv.value);
    for (const std::int64_t number : {change.kv.create_revision, change.kv.mod_revision, change.kv.version})
        digest.add(static_cast<std::uint64_t>(number));
    sum_ += digest.value();
}

std::string digest_of_events(const log_entry& entry, const revision_assembler::selector& selects) {
    event_digest digest;
    for (const etcd::event& change : entry.changes) {
        if (selects(change.kv.key)) digest.add(change);
    }
    return digest.hex();
}

/// Frees buffers that the open revision uses little of: otherwise a few selected keys would keep
/// the buffers of all other keys.
void revision_assembler::shed_buffers(log_entry& entry) {
    const std::size_t content = content_size(entry.changes);
    if (content * 2 < held_by(entry)) copy_out(entry, content);
}

void revision_assembler::take(const etcd::watch_message& message, aio::clock::time_point now) {
    if (message.what == etcd::watch_message::kind::events) {
        take_events(message.response, now);
    } else if (message.what == etcd::watch_message::kind::progress) {
        finish_open(now);
        position_ = std::max(position_, message.response.header.store_revision);
    }
}

void revision_assembler::take_events(const etcd::watch_response& response, aio::clock::time_point now) {
    if (distinct_ == 0) was_cut_ = false;
    for (const etcd::event& event : response.events) {
        const revision rev = event.kv.mod_revision;
        if (rev != newest_in_response_) {
            newest_in_response_ = rev;
            ++distinct_;
        }
        if (rev <= position_) continue;
        if (open_ && open_->rev != rev) finish_open(now);
        if (!open_) {
            open_.emplace();
            open_->rev = rev;
            open_bytes_ = 0;
        }
        add(event, response.owner);
        if (open_bytes_ > largest_ && !fold_deletes()) emit_part(now);
    }
    if (response.fragment) {
        if (open_) shed_buffers(*open_);
        return;
    }
    finish_open(now);
    was_cut_ = distinct_ >= batch_revisions;
    if (!was_cut_) position_ = std::max(position_, response.header.store_revision);
    distinct_ = 0;
    newest_in_response_ = 0;
}

void revision_assembler::add(const etcd::event& event, const base::shared_buffer& owner) {
    ++seen_;
    if (!selects_(event.kv.key)) {
        ++dropped_;
        return;
    }
    open_->changes.push_back(event);
    open_bytes_ += sizeof(etcd::event) + event.kv.key.size() + event.kv.value.size();
    if (open_->owners.empty() || open_->owners.back() != owner) open_->owners.push_back(owner);
}

/// Replaces the deletes so far by an interval that contains them. False if the revision is not only
/// deletes.
bool revision_assembler::fold_deletes() {
    const auto is_put = [](const etcd::event& change) { return change.type == etcd::event_type::put; };
    const bool may_fold = folds_deletes_ && !open_->is_tail;
    if (!may_fold || std::any_of(open_->changes.begin(), open_->changes.end(), is_put)) return false;
    for (const etcd::event& change : open_->changes) {
        const keys::key_range one = keys::single_key(change.kv.key);
        if (!open_->mass_delete) open_->mass_delete = one;
        open_->mass_delete->begin = std::min(open_->mass_delete->begin, one.begin);
        open_->mass_delete->end = std::max(open_->mass_delete->end, one.end);
    }
    open_->changes.clear();
    open_->owners.clear();
    open_bytes_ = 0;
    return true;
}

void revision_assembler::emit_part(aio::clock::time_point now) {
    log_entry part = std::exchange(*open_, log_entry());
    open_->rev = part.rev;
    open_->is_tail = true;
    open_bytes_ = 0;
    part.more_follows = true;
    part.mass_delete.reset();
    fold(part);
    part.received = now;
    out_(std::move(part));
}

void revision_assembler::finish_open(aio::clock::time_point now) {
    if (!open_) return;
    // Fold the events after the last fold, too. If they contain a put, the revision cannot be
    // folded.
    if (open_->mass_delete && !fold_deletes()) emit_part(now);
    log_entry entry = std::move(*open_);
    open_.reset();
    position_ = std::max(position_, entry.rev);
    if (entry.changes.empty() && !entry.is_tail && !entry.mass_delete) return;
    fold(entry);
    entry.received = now;
    out_(std::move(entry));
}

}  // namespace etcdsync::replication
