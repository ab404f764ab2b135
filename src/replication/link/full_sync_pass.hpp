// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/compare/comparison.hpp"
#include "replication/compare/guard.hpp"
#include "replication/compare/segment_pages.hpp"
#include "replication/link/slave_session.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace etcdsync::replication {

/// One walk over all segments of the master (at one pinned revision) and the slave, from the frontier on.
class full_sync_pass {
public:
    enum class mode {
        count,        ///< writes nothing
        repair,       ///< puts what is missing or different
        count_extra,  ///< keys only; writes nothing
        prune,        ///< keys only; deletes keys that are only on the slave and ours
    };

    /// What the pass counts and moves. It outlives the pass, so that another one can continue there.
    struct progress {
        census& found;
        std::string& frontier;
        std::optional<std::uint64_t>& budget;  ///< of a prune pass: how many keys it may still delete
    };

    full_sync_pass(slave_session& session, etcd::kv& master, mode how, progress at)
        : session_(&session), parts_(session.parts()), position_(session.position()), master_(&master), mode_(how),
          at_(at), writes_(session.parts().limits.now()), began_(session.parts().with.clock.now()) {}

    /// `done` at the end; `compare` if the pinned revision is gone, or about to be: continue at a newer one, from the frontier.
    /// `yielded` if other slaves wait and this one is slow. `resume_pass` if the slave takes less in a Txn than assumed. `blocked_by_guard` if a prune finds more than its budget.
    aio::awaitable<step_result> run();

    /// Learns the digest of the newest revision met, so that a pass that is interrupted can continue at its frontier.
    aio::awaitable<> record_newest_event();

    [[nodiscard]] bool has_read() const { return pages_read_ > 0; }

private:
    using step_kind = comparison::step_kind;

    aio::awaitable<step_result> compare_segment(segment_pages::part& pages);
    aio::awaitable<step_result> next_master_page(comparison& found, segment_pages::part& pages);
    aio::awaitable<step_result> take(const comparison::step& found);
    aio::awaitable<step_result> take_slave_only(const comparison::step& found);
    aio::awaitable<step_result> add(etcd::event_type type, const comparison::step& found);
    aio::awaitable<step_result> flush(std::string frontier);
    void sample(const etcd::range_page& page, const segment& where);
    [[nodiscard]] page_reader::options page_options(revision at) const;
    void note_page(const etcd::range_page& page, const etcd::kv& from);
    void note_failed_page(const etcd::error& why);
    [[nodiscard]] bool should_store_frontier() const;
    [[nodiscard]] bool should_yield() const;
    [[nodiscard]] bool keys_only() const { return mode_ == mode::count_extra || mode_ == mode::prune; }
    [[nodiscard]] sync_progress& shown() { return parts_.report.status().progress; }
    [[nodiscard]] static step_result master_failed(const etcd::error& why);

    slave_session* session_;
    const link_parts& parts_;
    checkpoint& position_;
    etcd::kv* master_;
    mode mode_;
    progress at_;
    batch writes_;
    std::size_t pages_read_ = 0;
    aio::clock::time_point began_;
    std::uint64_t bytes_ = 0;  ///< read from both sides since then
    bool asked_for_event_ = false;
    std::string reached_;  ///< the frontier behind the last segment
    revision newest_ = 0;  ///< the highest mod_revision among the master's keys
};

}  // namespace etcdsync::replication
