// SPDX-License-Identifier: Apache-2.0
#include "replication/comparison.hpp"
#include "replication/page_reader.hpp"
#include "replication/proof.hpp"
#include "replication/resume.hpp"
#include "replication/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

net::channel_options bulk_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 4U << 20;
    return options;
}

}  // namespace

/// One pass (repair or prune) over all segments at one pinned revision of the master, from the frontier on.
class full_sync_pass {
public:
    full_sync_pass(session& of, etcd::kv& master) : session_(&of), master_(&master), writes_(of.parts_.limits) {}

    /// `done` at the end of the pass; `compare` where the pinned revision is gone: advance, then make a new pass from the
    /// frontier.
    aio::awaitable<ending> run();

private:
    using outcome = comparison::outcome;

    aio::awaitable<ending> compare_segment(const segment& where, const std::string& from);
    aio::awaitable<ending> take(const comparison::step& found);
    aio::awaitable<ending> add(etcd::event_type type, const comparison::step& found);
    aio::awaitable<ending> flush(std::string frontier);
    aio::awaitable<> note_event();
    aio::awaitable<etcd::result<std::uint64_t>> count_keys();
    [[nodiscard]] bool pruning() const { return session_->position_.pass == sync_pass::prune; }
    [[nodiscard]] link_status& status() { return session_->parts_.report.status(); }
    ending master_failed(const etcd::error& why) const;

    friend class session;

    session* session_;
    etcd::kv* master_;
    batch writes_;
    std::string reached_;       ///< the frontier behind the last segment
    std::uint64_t extras_ = 0;  ///< keys only on the slave that a prune pass is to delete
    std::uint64_t foreign_ = 0;
    etcd::revision newest_ = 0;  ///< mod_revision among the master's keys
};

ending full_sync_pass::master_failed(const etcd::error& why) const {
    if (why.cls == etcd::error_class::compacted) return ending(ending::reason::compare, why);
    return ending(ending::reason::master_away, why);
}

aio::awaitable<etcd::result<std::uint64_t>> full_sync_pass::count_keys() {
    constexpr std::size_t too_many_to_ask = 64;
    const auto& segments = session_->parts_.keys.segments();
    std::uint64_t total = 0;
    if (segments.size() > too_many_to_ask) co_return total;
    for (const segment& part : segments) {
        const wire_range wire(part.source);
        etcd::range_query query;
        query.key = wire.key;
        query.range_end = wire.range_end;
        query.count_only = true;
        query.at = session_->position_.rev;
        const auto page = co_await master_->range(query);
        if (!page) co_return page.error();
        total += static_cast<std::uint64_t>(std::max<std::int64_t>(page->count, 0));
    }
    co_return total;
}

aio::awaitable<ending> full_sync_pass::run() {
    const auto total = co_await count_keys();
    if (!total) co_return master_failed(total.error());
    status().progress.pass = pruning() ? "prune" : "repair";
    status().progress.total = std::max(status().progress.done, *total);
    const std::string begin = session_->position_.frontier;
    for (const segment& part : session_->parts_.keys.segments()) {
        if (!part.target.end.empty() && part.target.end <= begin) continue;
        auto end = co_await compare_segment(part, std::max(begin, part.target.begin));
        if (end.why != ending::reason::done) co_return end;
    }
    co_return co_await flush(reached_);
}

aio::awaitable<ending> full_sync_pass::compare_segment(const segment& where, const std::string& from) {
    comparison found(session_->parts_.keys, where, from, pruning());
    page_reader::options of_master;
    of_master.at = session_->position_.rev;
    of_master.keys_only = pruning();
    of_master.page_bytes = session_->parts_.page_bytes;
    page_reader::options of_slave = of_master;
    of_slave.at = 0;
    page_reader master_pages(*master_, session_->parts_.with.tasks, where.source, of_master);
    page_reader slave_pages(session_->slave_->kv(), session_->parts_.with.tasks, where.target, of_slave);
    std::uint64_t counted = 0;
    for (;;) {
        const comparison::step step = found.next();
        newest_ = std::max(newest_, found.newest());
        status().progress.done += found.compared() - std::exchange(counted, found.compared());
        if (step.what == outcome::done) {
            reached_ = found.frontier();
            co_return ending::reason::done;
        }
        if (step.what == outcome::need_master) {
            if (auto end = session_->interrupted()) co_return std::move(*end);
            // The log is about to forget R: what changed below the frontier must be taken over before.
            if (session_->parts_.source.recent().is_aging(session_->position_.rev)) {
                auto flushed = co_await flush(found.frontier());
                if (flushed.why != ending::reason::done) co_return flushed;
                co_return ending::reason::compare;
            }
            auto page = co_await master_pages.next(found.master_from());
            if (!page) {
                auto flushed = co_await flush(found.frontier());
                if (flushed.why != ending::reason::done) co_return flushed;
                co_return master_failed(page.error());
            }
            found.add_master(std::move(*page));
        } else if (step.what == outcome::need_slave) {
            auto page = co_await slave_pages.next(found.slave_from());
            if (!page) co_return ending(ending::reason::slave_failed, page.error());
            found.add_slave(std::move(*page));
        } else {
            auto end = co_await take(step);
            if (end.why != ending::reason::done) co_return end;
        }
    }
}

aio::awaitable<ending> full_sync_pass::take(const comparison::step& found) {
    if (found.what != outcome::slave_only) {
        // Both sides were equal here when the prune pass began, and advance keeps them so.
        if (pruning()) co_return ending::reason::done;
        co_return co_await add(etcd::event_type::put, found);
    }
    if (is_foreign(session_->position_.spans, found.key, found.mod_revision)) {
        ++foreign_;
        co_return ending::reason::done;
    }
    ++extras_;
    if (!pruning()) co_return ending::reason::done;
    co_return co_await add(etcd::event_type::remove, found);
}

aio::awaitable<ending> full_sync_pass::add(etcd::event_type type, const comparison::step& found) {
    if (writes_.add(type, found.key, found.value, found.owner)) co_return ending::reason::done;
    auto end = co_await flush(std::string(found.key));
    if (end.why != ending::reason::done) co_return end;
    if (writes_.add(type, found.key, found.value, found.owner)) co_return ending::reason::done;
    // One key larger than the budget of a Txn goes alone; whether the slave takes it, it says itself.
    txn_limits alone = session_->parts_.limits;
    alone.max_bytes = std::string::npos;
    writes_ = batch(alone);
    const bool added = writes_.add(type, found.key, found.value, found.owner);
    if (!added)
        co_return ending(ending::reason::slave_failed,
                         etcd::error(etcd::error_class::bad_request, "a Txn holds no write at all"));
    co_return co_await flush(std::string(found.key).append(1, '\0'));
}

aio::awaitable<ending> full_sync_pass::flush(std::string frontier) {
    const std::string before = std::exchange(session_->position_.frontier, std::move(frontier));
    if (writes_.empty()) co_return ending::reason::done;
    co_await note_event();
    auto end = co_await session_->commit(writes_);
    if (end.why == ending::reason::slave_failed) {
        session_->position_.frontier = before;
        if (learn_from(end.what, writes_, session_->parts_.limits)) end = ending(ending::reason::take_up);
    }
    writes_ = batch(session_->parts_.limits);
    co_return end;
}

aio::awaitable<> full_sync_pass::note_event() {
    // With an E that can be replayed, a pass that is interrupted goes on at its frontier instead of beginning again.
    checkpoint& position = session_->position_;
    if (!position.event_digest.empty() || newest_ == 0) co_return;
    position.event_revision = std::max(position.event_revision, newest_);
    const context& with = session_->parts_.with;
    position.event_digest = co_await learn_event_digest(master_->on(), with, session_->parts_.master.request_timeout(),
                                                        session_->parts_.keys, position.event_revision);
}

aio::awaitable<ending> session::pin(etcd::kv& master) {
    // Nothing is at R yet, so R may be chosen: the newest, because the log's position can be old where the master is busy
    // outside the rules, and its history there gone. What the log still brings up to here is skipped later.
    const etcd::range_query query = probe_query(parts_.keys.cover());
    const auto page = co_await master.range(query);
    if (!page) co_return ending(ending::reason::master_away, page.error());
    if (auto end = interrupted()) co_return std::move(*end);
    position_.rev = std::max(position_.rev, page->header.store_revision);
    co_return ending::reason::done;
}

aio::awaitable<ending> session::full_sync() {
    std::optional<slots::place> place;
    auto waited = co_await take_place(place);
    if (waited.why != ending::reason::done) co_return waited;
    const net::channel_options options = bulk_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return ending(ending::reason::master_away, channel.error());
    etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
    if (nothing_below_frontier()) {
        auto end = co_await pin(master);
        if (end.why == ending::reason::master_away) parts_.master.avoid((*channel)->peer());
        if (end.why != ending::reason::done) co_return end;
    }

    std::uint64_t foreign = 0;
    while (in_full_sync()) {
        parts_.report.enter(link_state::full_sync, reason_);
        full_sync_pass pass(*this, master);
        auto end = co_await pass.run();
        if (end.why == ending::reason::take_up) {
            resumed_pass_ = true;
            continue;
        }
        if (end.why == ending::reason::compare) {
            resumed_pass_ = true;
            const revision before = position_.rev;
            end = co_await advance_to_head();
            // The log has nothing newer, but the pages at R are gone: a watch tells what R may move to.
            if (end.why == ending::reason::done && position_.rev == before) end = co_await replay_missed();
        } else if (end.why == ending::reason::done) {
            foreign = pass.foreign_;
            co_await pass.note_event();
            const bool prune = position_.pass == sync_pass::repair && (pass.extras_ > 0 || resumed_pass_);
            position_.pass = prune ? sync_pass::prune : sync_pass::none;
            position_.frontier.clear();
            resumed_pass_ = false;
            parts_.report.status().progress = {};
            const batch nothing(parts_.limits);
            end = co_await commit(nothing);
        }
        if (end.why == ending::reason::master_away) parts_.master.avoid((*channel)->peer());
        if (end.why != ending::reason::done) co_return end;
    }
    parts_.report.status().foreign_keys = foreign;
    if (foreign > 0) {
        parts_.with.log.warn(
            fmt::format("{}: keys that stood in its spans before the first sync are kept", parts_.report.status().name),
            {{"keys", foreign}});
    }
    co_return ending::reason::done;
}

}  // namespace etcdsync::replication
