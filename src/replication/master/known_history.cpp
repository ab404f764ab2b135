// SPDX-License-Identifier: Apache-2.0
#include "replication/master/known_history.hpp"

#include <utility>

namespace etcdsync::replication {

bool loses_history(etcd::error_class failure) {
    return failure == etcd::error_class::compacted || failure == etcd::error_class::other_history;
}

history_change known_history::check(const etcd::response_header& read, const log& recent, revision floor) {
    history_change change = history_change::none;
    // Without E nothing proves that this is the known history: each link proves its own.
    if (!recent.started() || lost_ || last_event_.rev == 0) change = history_change::not_continued;
    if (recent.started() && read.store_revision < std::max(recent.position(), floor))
        change = history_change::went_backwards;
    if (recent.started() && read.cluster_id != cluster_id_) change = history_change::other_cluster;
    if (change == history_change::went_backwards) ++contradictions_;
    cluster_id_ = read.cluster_id;
    if (change != history_change::none) {
        last_event_ = proof_event();
        lost_ = false;
        if (change != history_change::not_continued) seen_ = 0;
    }
    note_seen(read.store_revision);
    return change;
}

void known_history::record(const log_entry& entry, std::shared_ptr<const selection> by) {
    if (entry.more_follows || entry.is_tail || entry.mass_delete) return;
    last_event_.rev = entry.rev;
    last_event_.digest = digest_of_events(entry, by->selects);
    last_event_.selected = std::move(by);
}

void known_history::note_failure(etcd::error_class why) {
    if (loses_history(why)) lost_ = true;
    if (why == etcd::error_class::other_history) ++contradictions_;
    if (why == etcd::error_class::watch_violation) ++doubts_;
}

}  // namespace etcdsync::replication
