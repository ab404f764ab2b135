// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/cluster.hpp"
#include "replication/compare/guard.hpp"
#include "replication/master/log.hpp"
#include "replication/record/record_set.hpp"
#include "replication/slave/txn_limits.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace etcdsync::replication {

/// What a link is for.
struct link_settings {
    std::string slave;
    std::string rule;  ///< the only rule of this link, in consistency = "rule"; empty: all of the slave's
    checkpoint_keys checkpoint;
    std::shared_ptr<const record_set> records;  ///< all of the slave, of which the one above is one
    log_start log_since;                        ///< since when the feed selects this link's keys
    std::string endpoints;                      ///< for messages
    txn_limits limits;
    std::size_t page_bytes = 1U << 20;
    guard_policy guards;
    bool once = false;             ///< one full sync, then the link ends
    bool approve = false;          ///< with `once`: approves the first hold
    bool approve_foreign = false;  ///< that approval claims foreign keys, too

    /// For what one link does for all of a slave.
    [[nodiscard]] bool is_first_of_slave() const {
        return records->wanted().front().at.position == checkpoint.position;
    }
};

/// Windows for one Txn at a time, and for single keys.
[[nodiscard]] inline net::channel_options slave_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 2U << 20;
    return options;
}

}  // namespace etcdsync::replication
