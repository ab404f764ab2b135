// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/compare/comparison.hpp"
#include "replication/compare/guard.hpp"
#include "replication/compare/page_reader.hpp"
#include "replication/link/session.hpp"

#include <string>

namespace etcdsync::replication {

/// One walk over all segments of master (at one pinned revision) and slave, from the frontier on, in one of four ways.
class full_sync_pass {
public:
    enum class way {
        count,        ///< writes nothing
        repair,       ///< puts what is missing or different
        count_extra,  ///< keys only; writes nothing
        prune,        ///< keys only; deletes what is only on the slave and ours
    };

    /// Counts into `found`, which goes on where an earlier pass stopped.
    full_sync_pass(session& of, etcd::kv& master, way how, census& found)
        : session_(&of), master_(&master), way_(how), found_(&found), writes_(of.parts_.limits) {}

    /// `done` at the end; `compare` where the pinned revision is gone, or about to be: go on at a newer one, from the frontier.
    /// `take_up` where the slave takes less in a Txn than was thought. `objected` where a prune finds more than it may delete.
    aio::awaitable<step_result> run();

    /// Learns the digest of the newest revision met, so that a pass that is interrupted goes on at its frontier.
    aio::awaitable<> note_event();

private:
    using outcome = comparison::outcome;

    aio::awaitable<step_result> compare_segment(const segment& where, const std::string& from);
    aio::awaitable<step_result> next_master_page(comparison& found, page_reader& pages, const segment& where);
    aio::awaitable<step_result> take(const comparison::step& found);
    aio::awaitable<step_result> take_slave_only(const comparison::step& found);
    aio::awaitable<step_result> add(etcd::event_type type, const comparison::step& found);
    aio::awaitable<step_result> flush(std::string frontier);
    void sample(const etcd::range_page& page, const segment& where);
    [[nodiscard]] bool keys_only() const { return way_ == way::count_extra || way_ == way::prune; }
    [[nodiscard]] std::string& frontier();
    [[nodiscard]] sync_progress& progress() { return session_->parts_.report.status().progress; }
    step_result master_failed(const etcd::error& why) const;

    session* session_;
    etcd::kv* master_;
    way way_;
    census* found_;
    batch writes_;
    std::size_t pages_read_ = 0;
    std::string reached_;        ///< the frontier behind the last segment
    etcd::revision newest_ = 0;  ///< mod_revision among the master's keys
};

}  // namespace etcdsync::replication
