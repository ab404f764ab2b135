// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/limit_learning.hpp"

#include "base/escape.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::replication {
namespace {

constexpr std::size_t large = 128U << 10;

}  // namespace

bool is_large(const batch& writes) { return writes.bytes() > large; }

bool shrink_limits(const etcd::error& refused, const batch& writes, txn_limits& limits) {
    constexpr unsigned least_ops = 4;
    constexpr std::size_t least_bytes = 4U << 10;
    if (refused.cls == etcd::error_class::too_many_ops && limits.max_ops > least_ops) {
        limits.max_ops = std::max(least_ops, limits.max_ops / 2);
        return true;
    }
    if (refused.cls == etcd::error_class::no_nesting && limits.nested) {
        limits.nested = false;
        return true;
    }
    if (refused.cls == etcd::error_class::too_large && writes.writes().size() == 1)
        limits.refused = std::min(limits.refused, writes.bytes());
    if (refused.cls != etcd::error_class::too_large || writes.writes().size() < 2) return false;
    if (writes.bytes() > limits.max_bytes) {
        limits.max_revision_bytes = limits.max_bytes;
        return true;
    }
    if (limits.max_bytes <= least_bytes) return false;
    limits.max_bytes = std::max(least_bytes, writes.bytes() / 2);
    limits.max_revision_bytes = limits.max_bytes;
    return true;
}

void shrink_after_timeout(const batch& writes, txn_limits& limits) {
    constexpr unsigned tries_of_a_revision = 3;
    if (!is_large(writes)) return;
    const std::size_t half = std::max(large, writes.bytes() / 2);
    ++limits.unanswered;
    limits.max_bytes = std::min(limits.max_bytes, half);
    if (limits.unanswered >= tries_of_a_revision) limits.max_revision_bytes = std::min(limits.max_revision_bytes, half);
}

etcd::error with_key_size(etcd::error refused, const batch& writes) {
    if (refused.cls != etcd::error_class::too_large || writes.writes().size() != 1) return refused;
    const etcd::operation& write = writes.writes().front();
    refused.text += fmt::format(": the key {} with a value of {}", base::printable(write.key),
                                base::format_bytes(write.value.size()));
    return refused;
}

}  // namespace etcdsync::replication
