// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/cluster.hpp"
#include "replication/compare/guard.hpp"
#include "replication/link/permits.hpp"
#include "replication/link/step_result.hpp"
#include "replication/master/feed.hpp"
#include "replication/master/replay.hpp"
#include "replication/slave/advance.hpp"
#include "replication/slave/limit_learning.hpp"
#include "replication/slave/slave_writer.hpp"
#include "replication/status/reporter.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace etcdsync::replication {

/// How often the stored record follows a position that moved without anything to write (design.md section 6, Link 7).
inline constexpr std::chrono::minutes refresh_interval{5};

/// What a link is made of; outlives its sessions.
struct link_parts {
    const context& with;
    const mapping& keys;
    etcd::cluster& master;  ///< the link's own: for pages and missed revisions
    feed& source;
    permits& full_sync_permits;
    reporter& report;
    txn_limits& limits;
    std::size_t page_bytes;  ///< of a full sync; four are held at a time, two of each side
    aio::event& wake;        ///< something the link may wait for has changed
    const bool& stopping;
    const bool& better_endpoint;  ///< the slave has one that comes before the one in use
    bool once;                    ///< end as soon as the slave is in sync
    const guard_policy& guards;
};

/// The work on one slave over one connection, from the claim of the checkpoint on: where it stands, and the moves of
/// design.md section 6. One Txn in flight at a time.
class session {
public:
    session(link_parts parts, slave_writer& slave);

    /// Follows the log until something ends it; `behind` where the log does not reach back.
    aio::awaitable<step_result> follow();

    /// Replays missed revisions from a watch of its own until the log takes over.
    aio::awaitable<step_result> catch_up();

    /// Goes on with the pass under way, page by page, until the slave equals the master at R.
    aio::awaitable<step_result> full_sync();

    /// From the first key, at the master's present revision. `reason` is for people. Where the master is not `proven` to have
    /// the history the slave was copied from, nothing is written before all was counted.
    aio::awaitable<step_result> begin_full_sync(std::string reason, bool proven);

    /// The master's history behind R is gone. Where the master's present state shows that nothing changed, R moves on; else the
    /// step_result is `compare`, or `restart` where the master is another one.
    aio::awaitable<step_result> outlive_compaction(etcd::error why);

    /// Something was written, or found in sync: what is met from now on is a new failure.
    [[nodiscard]] bool made_progress() const { return progressed_; }

    [[nodiscard]] bool in_full_sync() const { return position_.pass != sync_pass::none; }

    /// A full sync that did not copy anything yet: R is free to choose.
    [[nodiscard]] bool nothing_below_frontier() const {
        return position_.pass == sync_pass::count ||
               (position_.pass == sync_pass::repair && position_.frontier.empty());
    }

    /// feed::continuity() when this session began.
    [[nodiscard]] std::uint64_t continuity() const { return continuity_; }

    /// Whether the master is known to have the history the slave was copied from.
    [[nodiscard]] bool proven() const { return proven_; }

    /// R: the revision of the master up to which everything is applied.
    [[nodiscard]] revision at() const { return position_.rev; }

    /// Puts `record` under the checkpoint's key with our name: what a dead process may still have under way fails from now on.
    aio::awaitable<step_result> claim(checkpoint record, std::string reason, bool proven);

private:
    friend class full_sync_pass;

    /// Gives the place back where it was not held before.
    class scoped_permit {
    public:
        explicit scoped_permit(std::optional<permits::permit>& in) : in_(&in), taken_here_(!in) {}
        scoped_permit(const scoped_permit&) = delete;
        scoped_permit& operator=(const scoped_permit&) = delete;
        ~scoped_permit() {
            if (taken_here_) in_->reset();
        }

    private:
        std::optional<permits::permit>* in_;
        bool taken_here_;
    };

    [[nodiscard]] std::optional<step_result> interrupted() const;
    [[nodiscard]] std::optional<std::string> frontier() const;
    aio::awaitable<step_result> commit(const batch& writes);
    aio::awaitable<step_result> apply(entry_iterator first, const advance_plan& plan);
    aio::awaitable<step_result> apply_next(entry_iterator first, entry_iterator last, revision end);
    aio::awaitable<step_result> apply_too_big(entry_iterator first, entry_iterator last, revision end);
    aio::awaitable<step_result> apply_part(const log_entry& part);
    aio::awaitable<step_result> apply_mass_delete(log_entry entry);
    aio::awaitable<etcd::result<std::optional<batch>>> plan_mass_delete(log_entry entry);
    aio::awaitable<step_result> replay_up_to(revision rev);
    aio::awaitable<step_result> write_in_parts(const batch& all, const checkpoint* whole);
    void tell_of_split(revision rev);
    [[nodiscard]] checkpoint after(entry_iterator first, entry_iterator last, revision to) const;
    [[nodiscard]] bool applied_revision_is_valid() const {
        return position_.pass == sync_pass::none || position_.pass == sync_pass::prune;
    }
    aio::awaitable<step_result> advance_to_head();
    aio::awaitable<step_result> finish();
    aio::awaitable<step_result> refresh_record();
    aio::awaitable<step_result> rest_until_news();
    aio::awaitable<step_result> look_at_slave();
    aio::awaitable<step_result> take_permit();
    [[nodiscard]] std::optional<step_result> broken() const;
    /// Says "in sync", or what keeps it from being said: silence of the master is no news that nothing happened. Returns when to
    /// look again, should nothing change before.
    aio::clock::time_point tell_of_master();
    aio::awaitable<step_result> apply_waiting(std::deque<log_entry>& waiting, revision end);
    aio::awaitable<step_result> replay_missed();
    static step_result replay_failed(const etcd::error& why);
    aio::awaitable<step_result> replay_from(std::shared_ptr<net::channel> on, replay::start from);
    aio::awaitable<step_result> pin(etcd::kv& master);
    aio::awaitable<step_result> prove_again(std::shared_ptr<net::channel> on);
    aio::awaitable<step_result> record_newest_event(etcd::kv master);
    aio::awaitable<step_result> run_pass(etcd::kv& master);
    aio::awaitable<step_result> go_on_at_newer(etcd::kv& master);
    aio::awaitable<step_result> end_pass(etcd::kv& master);
    aio::awaitable<step_result> guard_prune(etcd::kv& master);
    aio::awaitable<step_result> change_pass(sync_pass to);
    aio::awaitable<step_result> skip_count_of_empty_slave();
    void claim_all();
    void tell_of_what_is_kept();

    link_parts parts_;
    slave_writer* slave_;
    checkpoint position_;       ///< (R, K) and what belongs to them; ahead of the stored record only where that
                                ///< takes no write
    std::uint64_t generation_;  ///< of the log this position belongs to
    std::uint64_t continuity_;
    aio::clock::time_point last_commit_;
    aio::clock::time_point last_contact_;  ///< with the slave
    bool progressed_ = false;
    std::string reason_;                     ///< of the full sync under way, for people
    std::optional<permits::permit> permit_;  ///< one is enough, whatever it is held for
    bool compared_ = false;                  ///< everything was, or is being, compared in this session
    bool proven_ = false;
    revision replay_until_ = 0;            ///< an own watch does not leave it to the log before this one is whole
    std::optional<census> found_;          ///< by the pass under way; nothing where a part of it is not known
    std::optional<census> extra_;          ///< of a count of what is too much that is under way,
    std::string extra_frontier_;           ///< and how far it is
    std::optional<std::uint64_t> budget_;  ///< how many keys a prune pass may delete: what was counted, and allowed
};

}  // namespace etcdsync::replication
