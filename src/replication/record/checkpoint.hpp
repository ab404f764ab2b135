// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "replication/record/manifest.hpp"
#include "replication/record/position.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace etcdsync::replication {

/// The record on a slave of how far it is, and what proves that it belongs to this master. It has two keys (design.md section 6,
/// Link 2).
struct checkpoint : checkpoint_position, checkpoint_manifest {};

/// Moves R to `to` (no further back): no selected key changed in between.
void move_unchanged(checkpoint& record, revision to);

/// The keys of a checkpoint.
struct checkpoint_keys {
    std::string position;
    std::string manifest;
};

/// The text of a checkpoint on a slave.
struct checkpoint_text {
    std::string position;
    std::optional<std::string> manifest;  ///< nothing: the key does not exist
};

/// Encodes both keys.
[[nodiscard]] checkpoint_text encode(const checkpoint& record);

/// Parses a checkpoint. Data on a slave is not trusted: an error says what is wrong. It is also an error if the manifest is
/// missing, or is not the one that belongs to the position. Format 1, of version 0.1, has one key; its digests are of another
/// kind and are left out, so the rules are unknown.
[[nodiscard]] base::result<checkpoint> parse_checkpoint(const checkpoint_text& text);

/// Parses a position alone, of either format.
[[nodiscard]] base::result<checkpoint_position> parse_position(std::string_view text);

/// The prefix of an instance's keys: the key of its position in consistency = "all".
[[nodiscard]] std::string position_key(std::string_view checkpoint_prefix, std::string_view instance);

}  // namespace etcdsync::replication
