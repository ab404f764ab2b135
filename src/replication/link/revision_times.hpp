// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "etcd/wire.hpp"

#include <deque>
#include <optional>

namespace etcdsync::replication {

/// Remembers when a slave had which revision, as far as linearizable reads have shown. Pure.
class revision_times {
public:
    /// Forgets what is older than this, except the newest of that, so that the number of entries stays small.
    explicit revision_times(aio::clock::duration keep) : keep_(keep) {}

    /// At `when`, the slave had this revision. Forgets everything before, and returns false, if that is less than before: the
    /// slave lost data, or another cluster answers.
    bool note(etcd::revision at, aio::clock::time_point when) {
        const bool continues = samples_.empty() || at >= samples_.back().at;
        if (!continues) samples_.clear();
        samples_.push_back({at, when});
        while (samples_.size() > 1 && samples_[1].when <= when - keep_) samples_.pop_front();
        return continues;
    }

    /// The first time at which `what` is known to have been written; nothing if it is newer than all reads.
    [[nodiscard]] std::optional<aio::clock::time_point> known_since(etcd::revision what) const {
        for (const sample& one : samples_) {
            if (one.at >= what) return one.when;
        }
        return std::nullopt;
    }

private:
    struct sample {
        etcd::revision at;
        aio::clock::time_point when;
    };

    aio::clock::duration keep_;
    std::deque<sample> samples_;
};

}  // namespace etcdsync::replication
