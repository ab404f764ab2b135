// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/batch.hpp"

#include <algorithm>
#include <span>

namespace etcdsync::replication {

std::size_t txn_limits::max_writes() const {
    if (max_ops == unlimited_ops) return std::string::npos;
    return nested ? etcd::txn_capacity(max_ops) : max_ops - 1;
}

batch::batch(const txn_limits& limits)
    : max_writes_(limits.max_writes()), max_bytes_(limits.max_bytes),
      max_revision_bytes_(std::max(limits.max_bytes, limits.max_revision_bytes)) {}

bool batch::fits(std::size_t more_writes, std::size_t more_bytes, std::size_t max_bytes) const {
    return more_writes <= max_writes_ - writes_.size() && bytes_ + more_bytes <= max_bytes;
}

bool batch::fits_in(const txn_limits& limits) const {
    return writes_.size() <= limits.max_writes() && bytes_ <= std::max(limits.max_bytes, limits.max_revision_bytes);
}

void batch::keep(const base::shared_buffer& owner) {
    if (owner && (owners_.empty() || owners_.back() != owner)) owners_.push_back(owner);
}

void batch::put(const etcd::operation& write) {
    const auto [place, added] = index_.try_emplace(write.key, writes_.size());
    if (added) {
        writes_.push_back(write);
    } else {
        bytes_ -= writes_[place->second].encoded_size();
        writes_[place->second] = write;
    }
    bytes_ += write.encoded_size();
}

bool batch::add(mapped_revision& mapped, const mapping& keys, const std::optional<std::string>& frontier) {
    const auto is_written = [&](const mapped_change& change) {
        if (change.target.empty() || (frontier && change.target >= *frontier)) return false;
        return change.event->type == etcd::event_type::put || keys.replays_deletes(change.rule);
    };
    std::vector<mapped_change*> written;
    std::size_t bytes = 0;
    for (mapped_change& change : mapped.changes) {
        if (!is_written(change)) continue;
        written.push_back(&change);
        bytes += etcd::operation{change.event->type, change.target, change.event->kv.value}.encoded_size();
    }
    // A write that replaces an earlier one needs less: this overestimates.
    if (!fits(written.size(), bytes, writes_.empty() ? max_revision_bytes_ : max_bytes_)) return false;
    for (mapped_change* const change : written) {
        owned_.push_back(std::move(change->target));
        put({change->event->type, owned_.back(), change->event->kv.value});
    }
    for (const base::shared_buffer& owner : mapped.entry->owners) keep(owner);
    return true;
}

void batch::add_range_delete(const keys::key_range& range) {
    etcd::operation range_delete{etcd::event_type::remove, {}, {}};
    range_delete.key = owned_.emplace_back(range.begin);
    range_delete.range_end = owned_.emplace_back(range.end.empty() ? std::string(1, '\0') : range.end);
    writes_.push_back(range_delete);
    bytes_ += range_delete.encoded_size();
}

bool batch::add(etcd::event_type type, std::string_view key, std::string_view value, const base::shared_buffer& owner) {
    const etcd::operation write{type, key, value};
    if (!fits(1, write.encoded_size(), max_bytes_)) return false;
    if (owner && (owners_.empty() || owners_.back() != owner)) {
        copy_out_of_newest_buffer();
        newest_begin_ = writes_.size();
        owners_.push_back(owner);
    }
    owned_.emplace_back(key);
    writes_.push_back({type, owned_.back(), value});
    bytes_ += write.encoded_size();
    return true;
}

void batch::copy_out_of_newest_buffer() {
    constexpr std::size_t small_part = 4;
    if (owners_.empty()) return;
    const auto with_values = std::span(writes_).subspan(newest_begin_);
    std::size_t needed = 0;
    for (const etcd::operation& write : with_values) needed += write.value.size();
    if (needed > owners_.back()->size() / small_part) return;
    for (etcd::operation& write : with_values) write.value = owned_.emplace_back(write.value);
    owners_.pop_back();
}

std::size_t batch::kept_bytes() const {
    std::size_t sum = 0;
    for (const base::shared_buffer& owner : owners_) sum += owner->size();
    return sum;
}

}  // namespace etcdsync::replication
