// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/mapped_revision.hpp"

#include <string>
#include <vector>

namespace etcdsync::replication {

/// A selected key of the master as it was at revision `seen_at`. If the key is unchanged, the
/// history up to its mod_revision is the known one. If it was changed at or before `seen_at` and we
/// do not know of it, the history is another one.
struct anchor {
    std::string key;  ///< of the master
    revision create_revision = 0;
    revision mod_revision = 0;
    std::int64_t version = 0;
    std::string digest;  ///< of its value; empty: unknown
    revision seen_at = 0;

    friend bool operator==(const anchor&, const anchor&) = default;
};

[[nodiscard]] anchor anchor_of(const etcd::key_value& kv, revision seen_at);

/// True if `kv`, read from the master, equals the recorded key.
[[nodiscard]] bool is_unchanged(const anchor& recorded, const etcd::key_value& kv);

/// Newest first, at most four: the two most recently modified keys, and two old ones, which survive
/// a burst of changes.
using anchor_list = std::vector<anchor>;

/// Adds an anchor, or replaces the one of the same key.
void remember(anchor_list& to, anchor fresh);

/// Updates the anchors by one revision or a part of one: removes deleted keys and updates
/// overwritten ones.
void update(anchor_list& of, const log_entry& entry);

/// Applies complete revisions, oldest first: calls update() for each of them, then makes the newest
/// puts of selected keys anchors.
void follow_changes(anchor_list& of, const std::vector<mapped_revision>& revisions);

/// All changes in (from, to] are applied: what was seen at `from` is as it was at `to`. An anchor that was seen before `from`
/// may have changed in between, so it stays as it is.
void move_to(anchor_list& anchors, revision from, revision to);

}  // namespace etcdsync::replication
