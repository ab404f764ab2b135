// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/learned_limits.hpp"

#include "base/escape.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

constexpr unsigned least_ops = 4;
constexpr std::size_t least_bytes = 512;

/// A Txn below this size says nothing about limits: it is not what made a line or a slave fail.
constexpr std::size_t small_bytes = 1U << 10;

/// What a large success counts, and how much is needed before larger Txns are tried.
constexpr unsigned credit_of_large = 4;
constexpr unsigned first_credit_to_grow = 64;
constexpr unsigned most_credit_to_grow = 16U << 10;

}  // namespace

learned_limits::learned_limits(const txn_limits& configured)
    : configured_(configured), now_(configured), credit_to_grow_(first_credit_to_grow) {}

bool learned_limits::note_refused(const etcd::error& why, const batch& writes) {
    using enum etcd::error_class;
    const std::size_t count = writes.writes().size();
    if (why.cls == too_many_ops && now_.max_ops > least_ops) {
        now_.max_ops = std::max(least_ops, now_.max_ops / 2);
    } else if (why.cls == no_nesting && now_.nested) {
        now_.nested = false;
    } else if (why.cls == too_large && count == 1) {
        refused_ = std::min(refused_, writes.bytes());
        return false;
    } else if (why.cls != too_large || count < 2) {
        return false;
    } else if (writes.bytes() > now_.max_bytes) {
        now_.max_revision_bytes = now_.max_bytes;
    } else if (now_.max_bytes > least_bytes) {
        now_.max_bytes = std::max(least_bytes, writes.bytes() / 2);
        now_.max_revision_bytes = now_.max_bytes;
    } else {
        return false;
    }
    note_shrunk();
    return true;
}

void learned_limits::note_unanswered(const batch& writes, loss how) {
    constexpr unsigned tries_of_a_revision = 3;
    if (writes.bytes() < small_bytes || writes.writes().size() < 2) return;
    ++unanswered_;
    if (how == loss::timeout && unanswered_ < 2) return;
    const std::size_t half = std::max(least_bytes, writes.bytes() / 2);
    now_.max_bytes = std::min(now_.max_bytes, half);
    if (unanswered_ >= tries_of_a_revision) now_.max_revision_bytes = std::min(now_.max_revision_bytes, half);
    note_shrunk();
}

void learned_limits::note_shrunk() {
    credit_ = 0;
    // What was too much again right after it was tried again will be so for a while.
    if (std::exchange(has_grown_, false)) credit_to_grow_ = std::min(4 * credit_to_grow_, most_credit_to_grow);
}

void learned_limits::note_success(const batch& writes) {
    if (writes.empty()) return;
    unanswered_ = 0;
    const bool is_large = writes.bytes() >= now_.max_bytes / 2 || writes.writes().size() >= now_.max_writes() / 2;
    credit_ += is_large ? credit_of_large : 1;
    if (credit_ < credit_to_grow_) return;
    credit_ = 0;
    if (std::exchange(has_grown_, true)) credit_to_grow_ = first_credit_to_grow;  // the last growth was right
    grow();
}

void learned_limits::grow() {
    now_.max_ops = std::min(configured_.max_ops, 2 * now_.max_ops);
    now_.nested = configured_.nested;
    now_.max_bytes = std::min(configured_.max_bytes, 2 * now_.max_bytes);
    const std::size_t whole = std::max(now_.max_bytes, 2 * now_.max_revision_bytes);
    now_.max_revision_bytes = std::min(configured_.max_revision_bytes, whole);
}

etcd::error with_key_size(etcd::error refused, const batch& writes) {
    if (refused.cls != etcd::error_class::too_large || writes.writes().size() != 1) return refused;
    const etcd::operation& write = writes.writes().front();
    refused.text += fmt::format(": the key {} with a value of {}", base::printable(write.key),
                                base::format_bytes(write.value.size()));
    return refused;
}

}  // namespace etcdsync::replication
