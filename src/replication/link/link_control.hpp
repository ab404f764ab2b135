// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/compare/guard.hpp"

namespace etcdsync::replication {

/// What an operator asks of one link. Pure: the link looks here before each step.
class link_control {
public:
    void stop() { stopping_ = change(true); }
    void pause() { paused_ = change(true); }
    void resume() { paused_ = change(false); }
    void resync() {
        ++resyncs_;
        has_request_ = true;
    }
    void approve() { approved_ = change(true); }

    /// Everything requested so far is seen to from now on.
    void begin_round() { has_request_ = false; }
    /// Something was requested since begin_round(): work and waits end at their next step.
    [[nodiscard]] bool has_request() const { return has_request_; }

    [[nodiscard]] bool stopping() const { return stopping_; }
    [[nodiscard]] bool paused() const { return paused_; }
    [[nodiscard]] bool may_work() const { return !stopping_ && !paused_; }

    /// The number of the full sync that was requested; 0: none. It stays requested until the checkpoint shows that it began.
    [[nodiscard]] unsigned wanted_resync() const { return resyncs_ == recorded_ ? 0 : resyncs_; }
    void note_recorded(unsigned resync) { recorded_ = resync; }

    /// `configured`, or for an approved link without guards, until the next full sync has ended.
    [[nodiscard]] guard_policy guards(guard_policy configured) const {
        if (!approved_) return configured;
        configured.approved = true;
        configured.adopts_foreign_keys = true;
        configured.for_one_sync = true;
        return configured;
    }

    /// The full sync that was approved has ended, or the link is held for another reason: the next one needs a new approval.
    void end_approval() { approved_ = false; }

private:
    bool change(bool to) {
        has_request_ = true;
        return to;
    }

    bool has_request_ = false;
    bool stopping_ = false;
    bool paused_ = false;
    unsigned resyncs_ = 0;   ///< requested so far
    unsigned recorded_ = 0;  ///< the last one that began
    bool approved_ = false;
};

}  // namespace etcdsync::replication
