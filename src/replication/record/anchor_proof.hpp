// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "replication/record/anchors.hpp"

#include <optional>
#include <string>

namespace etcdsync::replication {

/// What one anchor says of a master.
struct anchor_verdict {
    bool contradicts = false;  ///< it is not the key it was: another history
    bool unchanged = false;    ///< the history up to its mod_revision is the known one
    bool survives = false;     ///< it is the same key, possibly overwritten since
};

/// Compares an anchor with the key as the master has it now; nothing: it is deleted, which says nothing.
[[nodiscard]] anchor_verdict judge(const anchor& known, const std::optional<etcd::key_value>& now);

/// What all anchors say together.
struct anchor_proof {
    std::string contradiction;  ///< empty: none
    revision proven_until = 0;  ///< the history up to here is the known one; 0: no anchor is unchanged
    bool any_survives = false;  ///< the master was not wiped
};

/// Reads the anchors. One that the user may not read, of a rule that was removed, says nothing.
aio::awaitable<etcd::result<anchor_proof>> compare_anchors(etcd::kv master, anchor_list anchors);

}  // namespace etcdsync::replication
