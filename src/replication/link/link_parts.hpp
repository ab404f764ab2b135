// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/event.hpp"
#include "etcd/cluster.hpp"
#include "replication/compare/guard.hpp"
#include "replication/compare/page_sizing.hpp"
#include "replication/link/link_control.hpp"
#include "replication/link/permits.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/master/feed.hpp"
#include "replication/slave/learned_limits.hpp"
#include "replication/status/context.hpp"
#include "replication/status/reporter.hpp"

#include <cstddef>

namespace etcdsync::replication {

struct small_compare_state;

/// What the parts of a link share. The link owns it, or knows that it outlives the link.
struct link_parts {
    const context& with;
    const mapping& keys;
    etcd::cluster& master;  ///< the link's own, for pages and missed revisions
    feed& source;
    permits& full_sync_permits;
    permits& catch_up_permits;
    reporter& report;
    learned_limits& limits;
    std::size_t page_bytes;  ///< of a full sync, at most; four are held at a time, two of each side
    page_sizing& pages;
    aio::event& wake;  ///< something the link may wait for has changed
    const link_control& control;
    const bool& better_endpoint;  ///< the slave has an endpoint preferred to the one in use
    bool once;                    ///< end as soon as the slave is in sync
    const guard_policy& guards;
    small_compare_state& compared;
    const log_start& log_since;  ///< since when the feed selects this link's keys

    /// The feed's log holds all changes of this link's keys after `rev`.
    [[nodiscard]] bool log_reaches(revision rev) const { return source.recent().holds_all_since(rev, log_since); }
};

}  // namespace etcdsync::replication
