// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "etcd/wire.hpp"
#include "replication/master/log.hpp"
#include "replication/master/selection.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

namespace etcdsync::replication {

/// E of a feed: the last revision known to have events. Watches are opened there, because etcd
/// answers them at once, and replaying its events proves the history.
struct proof_event {
    revision rev = 0;                                ///< 0: none known
    std::string digest;                              ///< of its events
    std::shared_ptr<const selection> selected = {};  ///< which events the digest covers
};

/// How the master's history compares with the log.
enum class history_change : std::uint8_t {
    none,            ///< as far as a read shows, the log leads to it; replaying E proves it
    other_cluster,   ///< another cluster id
    went_backwards,  ///< the revision is below the position of the log
    not_continued,   ///< there is no log yet, it ends at lost revisions, or no E could prove it
};

/// True if a watch that ended for this reason cannot continue after the position of the log.
[[nodiscard]] bool loses_history(etcd::error_class failure);

/// What a feed knows of the master's history, and what proves that the master still has it. Plain.
class known_history {
public:
    /// Compares a linearizable read with the log, and remembers the ids. `floor` is seen() from before the read was sent. Unless
    /// the result is `none`, E is forgotten, and the log must be restarted at the revision of the read.
    [[nodiscard]] history_change check(const etcd::response_header& read, const log& recent, revision floor = 0);

    /// The highest revision that a linearizable read of this master showed, to the feed or to a link. It is often above the log's
    /// position, which moves only with selected events and every ten minutes.
    [[nodiscard]] revision seen() const { return seen_; }
    void note_seen(revision rev) { seen_ = std::max(seen_, rev); }

    /// Called for every entry of the log before it is added. `by` selected its events. Parts of a
    /// revision and mass deletes leave E as it is: their events are not kept.
    void record(const log_entry& entry, std::shared_ptr<const selection> by);

    /// Called when a watch failed.
    void note_failure(etcd::error_class why);

    /// Called before a watch is opened without a proof, because E cannot be read any more.
    void note_unproven() { ++doubts_; }

    [[nodiscard]] const proof_event& last_event() const { return last_event_; }

    /// How often a watch was opened without a proof or violated etcd's guarantees. Earlier events
    /// may then be wrong, or another history's.
    [[nodiscard]] std::uint64_t doubts() const { return doubts_; }

    /// How often the same cluster turned out to have another history. That is final for what was copied from it before,
    /// whatever it looks like later.
    [[nodiscard]] std::uint64_t contradictions() const { return contradictions_; }

    [[nodiscard]] std::uint64_t cluster_id() const { return cluster_id_; }

private:
    proof_event last_event_;
    bool lost_ = false;  ///< the log does not lead to the master's current history
    revision seen_ = 0;
    std::uint64_t doubts_ = 0;
    std::uint64_t contradictions_ = 0;
    std::uint64_t cluster_id_ = 0;
};

}  // namespace etcdsync::replication
