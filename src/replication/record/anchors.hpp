// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/mapped_revision.hpp"

#include <string>
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
using anchor_list = std::vector<anchor>;

/// Adds one that is not in it yet, or replaces the one of the same key.
void remember(anchor_list& to, anchor fresh);

/// Updates known anchors by one revision or a part of one: a deleted one goes, an overwritten one becomes what it is now.
void update(anchor_list& of, const log_entry& entry);

/// Follows whole revisions, oldest first: update() by each of them, then the newest puts of selected keys become anchors.
void follow_changes(anchor_list& of, const std::vector<mapped_revision>& revisions);

}  // namespace etcdsync::replication
