// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/master/log.hpp"

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// A selected key of the master as it was at some revision. A key that stands there unchanged proves that the history up to its
/// mod_revision is the one we knew; one that was changed at or before R without our knowing proves that it is another.
struct anchor {
    std::string key;  ///< of the master
    revision create_revision = 0;
    revision mod_revision = 0;
    std::int64_t version = 0;
    std::string digest;  ///< of its value
};

[[nodiscard]] anchor anchor_of(const etcd::key_value& kv);

/// True where `kv`, read from the master, is the key as it was recorded.
[[nodiscard]] bool is_unchanged(const anchor& recorded, const etcd::key_value& kv);

/// Newest first; at most four: the two most recently modified, and two old ones, which outlive a burst of changes.
using anchors = std::vector<anchor>;

/// Adds one that is not in it yet, or replaces the one of the same key.
void remember(anchors& to, anchor fresh);

/// Follows the changes of whole revisions, oldest first: an anchor that was deleted goes, one that was overwritten is as it is
/// now, and the newest puts of keys that `selects` takes come in.
void follow_changes(anchors& of, std::deque<log_entry>::const_iterator first,
                    std::deque<log_entry>::const_iterator last, const std::function<bool(std::string_view)>& selects);

}  // namespace etcdsync::replication
