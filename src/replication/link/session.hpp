// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/cluster.hpp"
#include "replication/compare/guard.hpp"
#include "replication/link/permits.hpp"
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
    slots& places;
    reporter& report;
    txn_limits& limits;
    std::size_t page_bytes;  ///< of a full sync; four are held at a time, two of each side
    aio::event& wake;        ///< something the link may wait for has changed
    const bool& stopping;
    const bool& better_endpoint;  ///< the slave has one that comes before the one in use
    bool once;                    ///< end as soon as the slave is in sync
    const guards& by;
};

/// Why a step of the work on a slave ended.
struct ending {
    enum class reason {
        done,             ///< the step is complete
        finished,         ///< what was to be done once is done
        stopped,          ///< the daemon is to end
        begin_again,      ///< read the checkpoint again, now: the master's history or the record is not what it was
        behind,           ///< the log does not reach back to R
        compare,          ///< only a full sync leads on from here
        take_up,          ///< the pass is to be taken up again at its frontier
        objected,         ///< a guard wants a person to look first
        better_endpoint,  ///< connect again, now: an endpoint that comes first is back
        master_away,      ///< wait until the feed is connected again
        slave_failed,
    };
    ending(reason r) : why(r) {}  // NOLINT: an ending is its reason unless there is an error to tell
    ending(reason r, etcd::error e) : why(r), what(std::move(e)) {}

    reason why;
    etcd::error what;
};

/// The work on one slave over one connection, from the claim of the checkpoint on: where it stands, and the moves of
/// design.md section 6. One Txn in flight at a time.
class session {
public:
    session(link_parts parts, applier& slave);

    /// Follows the log until something ends it; `behind` where the log does not reach back.
    aio::awaitable<ending> follow();

    /// Replays missed revisions from a watch of its own until the log takes over.
    aio::awaitable<ending> catch_up();

    /// Goes on with the pass under way, page by page, until the slave equals the master at R.
    aio::awaitable<ending> full_sync();

    /// From the first key, at the master's present revision. `reason` is for people. Where the master is not `proven` to have
    /// the history the slave was copied from, nothing is written before all was counted.
    aio::awaitable<ending> begin_full_sync(std::string reason, bool proven);

    /// The master's history behind R is gone. Where the master's present state shows that nothing changed, R moves on; else the
    /// ending is `compare`, or `begin_again` where the master is another one.
    aio::awaitable<ending> outlive_compaction(etcd::error why);

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
    aio::awaitable<ending> claim(checkpoint record, std::string reason, bool proven);

private:
    friend class full_sync_pass;

    /// Gives the place back where it was not held before.
    class own_place {
    public:
        explicit own_place(std::optional<slots::place>& in) : in_(&in), taken_here_(!in) {}
        own_place(const own_place&) = delete;
        own_place& operator=(const own_place&) = delete;
        ~own_place() {
            if (taken_here_) in_->reset();
        }

    private:
        std::optional<slots::place>* in_;
        bool taken_here_;
    };

    [[nodiscard]] std::optional<ending> interrupted() const;
    [[nodiscard]] std::optional<std::string> frontier() const;
    aio::awaitable<ending> commit(const batch& writes);
    aio::awaitable<ending> apply(entry_iterator first, const advance_plan& plan);
    aio::awaitable<ending> apply_next(entry_iterator first, entry_iterator last, revision end);
    aio::awaitable<ending> apply_too_big(entry_iterator first, entry_iterator last, revision end);
    aio::awaitable<ending> apply_part(const log_entry& part);
    aio::awaitable<ending> apply_mass_delete(log_entry entry);
    aio::awaitable<etcd::result<std::optional<batch>>> plan_mass_delete(log_entry entry);
    aio::awaitable<ending> replay_up_to(revision rev);
    aio::awaitable<ending> write_in_parts(const batch& all, const checkpoint* whole);
    void tell_of_split(revision rev);
    [[nodiscard]] checkpoint after(entry_iterator first, entry_iterator last, revision to) const;
    [[nodiscard]] bool tells_applied() const {
        return position_.pass == sync_pass::none || position_.pass == sync_pass::prune;
    }
    aio::awaitable<ending> advance_to_head();
    aio::awaitable<ending> finish();
    aio::awaitable<ending> refresh_record();
    aio::awaitable<ending> rest_until_news();
    aio::awaitable<ending> look_at_slave();
    aio::awaitable<ending> take_place();
    [[nodiscard]] std::optional<ending> broken() const;
    /// Says "in sync", or what keeps it from being said: silence of the master is no news that nothing happened. Returns when to
    /// look again, should nothing change before.
    aio::clock::time_point tell_of_master();
    aio::awaitable<ending> replay(std::deque<log_entry>& waiting, revision end);
    aio::awaitable<ending> replay_missed();
    static ending replay_failed(const etcd::error& why);
    aio::awaitable<ending> replay_from(std::shared_ptr<net::channel> on, history::start from);
    aio::awaitable<ending> pin(etcd::kv& master);
    aio::awaitable<ending> prove_again(std::shared_ptr<net::channel> on);
    aio::awaitable<ending> keep_proof(etcd::kv master);
    aio::awaitable<ending> run_pass(etcd::kv& master);
    aio::awaitable<ending> go_on_at_newer(etcd::kv& master);
    aio::awaitable<ending> end_pass(etcd::kv& master);
    aio::awaitable<ending> guard_prune(etcd::kv& master);
    aio::awaitable<ending> change_pass(sync_pass to);
    aio::awaitable<ending> skip_count_of_empty_slave();
    void claim_all();
    void tell_of_what_is_kept();

    link_parts parts_;
    applier* slave_;
    checkpoint position_;       ///< (R, K) and what belongs to them; ahead of the stored record only where that
                                ///< takes no write
    std::uint64_t generation_;  ///< of the log this position belongs to
    std::uint64_t continuity_;
    aio::clock::time_point last_commit_;
    aio::clock::time_point last_contact_;  ///< with the slave
    bool progressed_ = false;
    std::string reason_;                 ///< of the full sync under way, for people
    std::optional<slots::place> place_;  ///< one is enough, whatever it is held for
    bool compared_ = false;              ///< everything was, or is being, compared in this session
    bool proven_ = false;
    revision replay_until_ = 0;            ///< an own watch does not leave it to the log before this one is whole
    std::optional<census> found_;          ///< by the pass under way; nothing where a part of it is not known
    std::optional<census> extra_;          ///< of a count of what is too much that is under way,
    std::string extra_frontier_;           ///< and how far it is
    std::optional<std::uint64_t> budget_;  ///< how many keys a prune pass may delete: what was counted, and allowed
};

}  // namespace etcdsync::replication
