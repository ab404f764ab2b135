// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/compare/guard.hpp"

#include <optional>

namespace etcdsync::replication {

/// What holds a link.
enum class hold_kind {
    conflict,      ///< another process writes here, or the slave is the master: approval does not help
    guard,         ///< a full sync would change too much
    other_master,  ///< the master is not the one the slave was copied from
};

/// What an operator requests of one link. Pure: the link looks here before each step.
class link_control {
public:
    void stop() { set(stopping_, true); }
    /// Also ends an approval that is not used up.
    void pause() {
        set(paused_, true);
        approval_.reset();
    }
    void resume() { set(paused_, false); }
    void resync() {
        ++resyncs_;
        has_request_ = true;
    }
    /// Approves what holds the link; with `foreign`, foreign keys become ours, too. False if nothing does that an approval can lift.
    bool approve(bool foreign);
    /// For a link that is not held: requests a full sync for which foreign keys become ours. Guards apply. False while it is paused.
    bool adopt_foreign_keys();

    /// Whether this process leads the slave (leadership.hpp), and with a leader key. Without a leader every link leads. The work
    /// in progress ends when it leads no more.
    void lead(bool leads, bool with_key) {
        if (leads_ && !leads) has_request_ = true;
        leads_ = leads;
        has_leader_key_ = with_key;
    }

    /// Everything requested so far is seen to from now on.
    void begin_round() { has_request_ = false; }
    /// Something was requested since begin_round(): work and waits end at their next step.
    [[nodiscard]] bool has_request() const { return has_request_; }

    [[nodiscard]] bool stopping() const { return stopping_; }
    [[nodiscard]] bool paused() const { return paused_; }
    [[nodiscard]] bool may_work() const { return !stopping_ && !paused_; }
    [[nodiscard]] bool leads() const { return leads_; }
    [[nodiscard]] bool has_leader_key() const { return has_leader_key_; }
    /// A new Txn may be started.
    [[nodiscard]] bool may_write() const { return may_work() && leads_; }

    /// The number of the full sync that was requested; 0: none. It stays requested until the checkpoint shows that it began.
    [[nodiscard]] unsigned wanted_resync() const { return resyncs_ == recorded_ ? 0 : resyncs_; }
    void note_recorded(unsigned resync) { recorded_ = resync; }

    /// The guards of a new start: `configured`, without what the operator approved. From here on this start uses the approval.
    [[nodiscard]] guard_policy guards(guard_policy configured);

    /// This start is held. An approval that came before it is used up; one that came meanwhile is for this hold and stays.
    void note_held(hold_kind why);
    /// A person has to do something before the slave can follow.
    [[nodiscard]] bool waits_for_operator() const { return waits_for_operator_; }
    void note_following() { waits_for_operator_ = false; }

    /// The full sync that was approved has ended.
    void end_approval();

private:
    struct approval {
        std::optional<hold_kind> of;  ///< nothing: no guard is lifted
        bool foreign = false;         ///< foreign keys become ours
        bool in_use = false;          ///< by the current start
    };

    void set(bool& what, bool to) {
        if (what == to) return;  // a request that changes nothing does not interrupt the work
        what = to;
        has_request_ = true;
    }

    bool has_request_ = false;
    bool stopping_ = false;
    bool paused_ = false;
    bool leads_ = true;
    bool has_leader_key_ = false;
    bool waits_for_operator_ = false;
    unsigned resyncs_ = 0;   ///< requested so far
    unsigned recorded_ = 0;  ///< the last one that began
    std::optional<hold_kind> held_;
    std::optional<approval> approval_;
};

}  // namespace etcdsync::replication
