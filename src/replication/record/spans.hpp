// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/wire.hpp"
#include "keys/key_range.hpp"
#include "replication/mapping/mapping.hpp"

#include <string_view>
#include <vector>

namespace etcdsync::replication {

using etcd::revision;

/// An interval of the slave that is ours, and since when.
struct span {
    keys::key_range keys;
    /// The slave's revision when the span was first taken: a key only on the slave whose mod_revision is not above it stood
    /// there before we came (a foreign key) and is not deleted. 0: there is none.
    revision since = 0;
};

/// The spans of `keys`, each with the oldest claim it can keep: what an old span covered keeps its `since`, what is new gets
/// `since_now`.
[[nodiscard]] std::vector<span> claim_spans(const mapping& keys, const std::vector<span>& old, revision since_now);

/// True where a key only on the slave stood there before we came: it is kept.
[[nodiscard]] bool is_foreign(const std::vector<span>& spans, std::string_view key, revision mod_revision);

}  // namespace etcdsync::replication
