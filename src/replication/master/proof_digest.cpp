// SPDX-License-Identifier: Apache-2.0
#include "replication/master/proof_digest.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::size_t largest_part = 256U << 10;
constexpr std::size_t max_events = 128U << 10;

/// What is read, not held: so that a revision without end is given up.
constexpr std::size_t max_bytes = 16U << 20;

}  // namespace

proof_digest::proof_digest(revision of, revision_assembler::selector selects)
    : of_(of), assembler_(
                   of - 1, std::move(selects), [this](const log_entry& entry) { add(entry); }, largest_part) {}

void proof_digest::add(const log_entry& entry) {
    if (entry.rev != of_ || impossible_) return;
    for (const etcd::event& change : entry.changes) digest_.add(change);
    if (entry.more_follows || entry.is_tail) note_keys(entry);
    if (entry.more_follows) return;
    impossible_ = impossible_ || repeats_a_key();
    keys_ = {};
    hex_ = digest_.hex();
}

void proof_digest::note_keys(const log_entry& entry) {
    for (const etcd::event& change : entry.changes) bytes_ += change.kv.key.size() + change.kv.value.size();
    impossible_ = keys_.size() + entry.changes.size() > max_events || bytes_ > max_bytes;
    if (impossible_) {
        keys_ = {};
        return;
    }
    for (const etcd::event& change : entry.changes) keys_.push_back(std::hash<std::string_view>()(change.kv.key));
}

bool proof_digest::repeats_a_key() {
    // Only the last event of a key counts. Within a part the earlier ones were dropped; those of earlier parts are digested
    // already.
    std::ranges::sort(keys_);
    return std::ranges::adjacent_find(keys_) != keys_.end();
}

}  // namespace etcdsync::replication
