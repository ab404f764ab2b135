// SPDX-License-Identifier: Apache-2.0
#include "replication/slave/manifest_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace etcdsync::replication {
namespace {

/// Bytes of manifests for each position that is written. A position takes about 160 bytes; together they stay below 200.
constexpr std::size_t manifest_share = 32;

/// `next` can be committed under the manifest `stored`.
bool describes(const checkpoint_manifest& stored, const checkpoint_manifest& next) {
    return stored.cluster_id == next.cluster_id && stored.rules == next.rules && stored.spans == next.spans;
}

}  // namespace

void manifest_schedule::found(const checkpoint& stored, aio::clock::time_point now) {
    id_ = stored.manifest_id;  // empty in format 1
    stored_ = stored;
    pass_ = stored.pass;
    since_ = now;
    postponed_until_ = {};
    bytes_ = 0;
    positions_ = 0;
}

bool manifest_schedule::is_required(const checkpoint& next) const {
    return is_lost() || next.pass != pass_ || !describes(stored_, next);
}

bool manifest_schedule::is_due(const checkpoint& next, aio::clock::time_point now) const {
    const bool ends = next.writer.empty();
    if (is_required(next) || ends) return true;
    if (now < postponed_until_) return false;
    // Without an anchor, a compaction of E leaves the history unproven.
    if (stored_.anchors.empty() && !next.anchors.empty()) return true;
    const bool paid = positions_ * manifest_share >= bytes_;
    return next.anchors != stored_.anchors && paid && now - since_ >= anchors_interval;
}

void manifest_schedule::committed(const checkpoint& now_stored, std::size_t manifest_bytes,
                                  aio::clock::time_point now) {
    ++positions_;
    if (manifest_bytes == 0) return;
    id_ = now_stored.manifest_id;
    stored_ = now_stored;
    pass_ = now_stored.pass;
    since_ = now;
    bytes_ = manifest_bytes;
    positions_ = 0;
}

std::string new_manifest_id(base::random_source& random) {
    return fmt::format("{:08x}", static_cast<std::uint32_t>(random.next()));
}

}  // namespace etcdsync::replication
