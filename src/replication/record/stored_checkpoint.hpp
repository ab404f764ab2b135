// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "replication/record/checkpoint.hpp"

#include <cstddef>
#include <optional>

namespace etcdsync::replication {

/// Data on a slave is not trusted: this limits the size of all checkpoints together, in bytes.
inline constexpr std::size_t max_checkpoints_bytes = 4U << 20;

/// A checkpoint as it is on a slave, with both of its keys read at one revision.
struct stored_checkpoint {
    std::optional<checkpoint_text> text;  ///< nothing: there is no position
    revision position_revision = 0;       ///< mod_revision of the position; 0: there is none
    revision manifest_revision = 0;       ///< mod_revision of the manifest; 0: there is none
    etcd::response_header header;         ///< of a linearizable response

    /// Nothing: there is no checkpoint. An error: it is not usable.
    [[nodiscard]] std::optional<base::result<checkpoint>> parsed() const;
};

/// Reads a checkpoint with a linearizable read, which also probes whether the slave is usable.
aio::awaitable<etcd::result<stored_checkpoint>> read_checkpoint(etcd::kv slave, checkpoint_keys keys);

}  // namespace etcdsync::replication
