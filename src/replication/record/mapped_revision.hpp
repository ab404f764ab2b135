// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/mapping/mapping.hpp"
#include "replication/master/log.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace etcdsync::replication {

/// A change that matches a rule of the slave.
struct mapped_change {
    const etcd::event* event = nullptr;  ///< points into the entry
    std::size_t rule = 0;
    std::string target;  ///< the key of the slave; empty if it maps to no key (a hole)
};

/// One revision of the master, mapped to the keys of a slave. Rules are matched here, once per key:
/// the Txn, the newest event, the anchors and the count all come from this.
struct mapped_revision {
    const log_entry* entry = nullptr;  ///< must outlive this object
    std::vector<mapped_change> changes;
};

/// Maps `entry` to the keys of the slave.
[[nodiscard]] mapped_revision map_revision(const log_entry& entry, const mapping& keys);

}  // namespace etcdsync::replication
