// SPDX-License-Identifier: Apache-2.0
#include "replication/record/raft_position.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::replication {
namespace {

raft_position position_of(const raft_sample& sample, etcd::revision at) {
    return {sample.status.raft_term, sample.status.raft_index,
            static_cast<std::int64_t>(sample.status.raft_index) - at};
}

}  // namespace

raft_position lowest_position(const std::vector<raft_sample>& samples) {
    raft_position out;
    for (const raft_sample& sample : samples) {
        const raft_position at = position_of(sample, sample.after);
        if (!out.known()) out = at;
        out.term = std::min(out.term, at.term);
        out.index = std::min(out.index, at.index);
        out.slack = std::min(out.slack, at.slack);
    }
    return out;
}

raft_position highest_position(const std::vector<raft_sample>& samples) {
    raft_position out;
    for (const raft_sample& sample : samples) {
        const raft_position at = position_of(sample, sample.status.header.store_revision);
        if (!out.known()) out = at;
        out.term = std::max(out.term, at.term);
        out.index = std::max(out.index, at.index);
        out.slack = std::max(out.slack, at.slack);
    }
    return out;
}

std::string raft_contradiction(const raft_position& recorded, const raft_position& now) {
    if (!recorded.known() || !now.known()) return {};
    const auto below = [](std::string_view what, auto is, auto was) {
        return fmt::format("the {} of the master is {}, and was {}: it was wiped or restored", what, is, was);
    };
    if (now.term < recorded.term) return below("raft term", now.term, recorded.term);
    if (now.index < recorded.index) return below("raft index", now.index, recorded.index);
    if (now.slack < recorded.slack)
        return below("difference between raft index and revision", now.slack, recorded.slack);
    return {};
}

}  // namespace etcdsync::replication
