// SPDX-License-Identifier: Apache-2.0
#include "replication/link/link_control.hpp"

namespace etcdsync::replication {

bool link_control::approve(bool foreign) {
    if (!held_ || *held_ == hold_kind::conflict) return false;
    approval_ = approval{held_, foreign};
    has_request_ = true;
    return true;
}

bool link_control::adopt_foreign_keys() {
    if (!may_work()) return false;
    approval_ = approval{std::nullopt, true};
    resync();
    return true;
}

guard_policy link_control::guards(guard_policy configured) {
    if (!approval_) return configured;
    approval_->in_use = true;
    configured.approved = approval_->of.has_value();
    configured.accepts_other_master = approval_->of == hold_kind::other_master;
    configured.adopts_foreign_keys = configured.adopts_foreign_keys || approval_->foreign;
    configured.for_one_sync = true;
    return configured;
}

void link_control::note_held(hold_kind why) {
    held_ = why;
    waits_for_operator_ = why != hold_kind::conflict;
    end_approval();
}

void link_control::end_approval() {
    if (approval_ && approval_->in_use) approval_.reset();
}

}  // namespace etcdsync::replication
