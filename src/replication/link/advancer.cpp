// SPDX-License-Identifier: Apache-2.0
#include "replication/link/advancer.hpp"

#include "replication/link/pass_position.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/slave/learned_limits.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace etcdsync::replication {
namespace {

bool is_oversized(const etcd::operation& write, const txn_limits& limits) {
    return write.encoded_size() > std::max(limits.max_bytes, limits.max_revision_bytes);
}

bool holds_refused(const batch& writes, const learned_limits& limits) {
    return std::ranges::any_of(writes.writes(), [&](const etcd::operation& write) { return limits.is_refused(write); });
}

/// Writes that the slave may reject come first, so that nothing else is written again with each retry.
std::vector<etcd::operation> likely_rejects_first(const batch& all, const txn_limits& limits) {
    std::vector<etcd::operation> writes = all.writes();
    std::stable_partition(writes.begin(), writes.end(),
                          [&](const etcd::operation& write) { return is_oversized(write, limits); });
    return writes;
}

/// As many of the writes from `at` on as fit in one Txn, one at least.
batch next_part(const std::vector<etcd::operation>& writes, std::size_t at, const txn_limits& limits) {
    batch part(limits);
    while (at < writes.size() && part.add(writes[at].type, writes[at].key, writes[at].value, nullptr)) ++at;
    if (!part.empty()) return part;
    // A key larger than the budget of a Txn is sent alone: only the slave knows whether it accepts it.
    batch alone(txn_limits::none());
    static_cast<void>(alone.add(writes[at].type, writes[at].key, writes[at].value, nullptr));
    return alone;
}

}  // namespace

aio::awaitable<step_result> advancer::advance_to_head() {
    for (;;) {
        if (auto end = session_->interrupted()) co_return std::move(*end);
        const log& recent = parts_.source.recent();
        if (!parts_.log_reaches(position_.rev)) co_return end_reason::behind;
        if (recent.position() <= position_.rev) co_return end_reason::done;
        // A plan keeps the entries it needs alive: the log may drop them during the wait.
        const auto entries = recent.after(position_.rev);
        auto end = co_await apply_next(entries.begin(), entries.end(), recent.position());
        if (end.reason != end_reason::done) co_return end;
    }
}

aio::awaitable<step_result> advancer::commit_at(const batch& writes, checkpoint next) {
    checkpoint before = std::exchange(position_, std::move(next));
    auto end = co_await session_->commit(writes);
    if (end.reason == end_reason::slave_failed) {
        position_ = std::move(before);
        // `done` without a new position: the caller plans again with the smaller limits.
        if (parts_.limits.note_refused(end.error, writes)) co_return end_reason::done;
    }
    co_return end;
}

aio::awaitable<step_result> advancer::apply_next(entry_iterator first, entry_iterator last, revision end_position) {
    const std::optional<std::string> frontier = advance_frontier(position_);
    const advance_plan plan = plan_advance(first, last, end_position, parts_.keys, frontier, parts_.limits.now());
    if (plan.too_big) co_return co_await apply_too_big(first, last, end_position);
    checkpoint next = advance_checkpoint(position_, plan.revisions, plan.to, parts_.keys);
    // The end of a split must be stored, even if the last part has nothing to write.
    if (plan.writes.empty() && !position_.split) {
        position_ = std::move(next);
        if (applied_revision_is_valid(position_)) parts_.report.status().applied = position_.rev;
        co_return end_reason::done;
    }
    co_return co_await commit_at(plan.writes, std::move(next));
}

aio::awaitable<step_result> advancer::apply_too_big(entry_iterator first, entry_iterator last, revision end_position) {
    if (first->mass_delete) co_return co_await apply_mass_delete(*first);
    const auto stop = std::find_if(first, last, [](const log_entry& entry) { return entry.mass_delete.has_value(); });
    if (stop != last) {
        last = stop;
        end_position = std::prev(stop)->rev;
    }
    const mapping& keys = parts_.keys;
    const std::optional<std::string> frontier = advance_frontier(position_);
    std::vector<mapped_revision> revisions = map_revisions(first, last, keys);
    const batch all = fold_all(revisions, keys, frontier);
    // Folded with what follows it may be small: a large value that was overwritten, many keys that were deleted.
    if (all.fits_in(parts_.limits.now())) {
        checkpoint next = advance_checkpoint(position_, revisions, end_position, keys);
        co_return co_await commit_at(all, std::move(next));
    }
    revisions = map_revisions(first, std::next(first), keys);
    const batch one = fold_all(revisions, keys, frontier);
    // A value that the slave rejected stays in the history; the master's current state may no longer have it.
    if (holds_refused(one, parts_.limits)) {
        co_return step_result(end_reason::compare,
                              etcd::error(etcd::error_class::too_large, "a value is too large for the slave"));
    }
    const checkpoint whole = advance_checkpoint(position_, revisions, first->rev, keys);
    report_split(first->rev);
    co_return co_await write_in_parts(one, &whole);
}

aio::awaitable<step_result> advancer::apply_mass_delete(log_entry entry) {
    const std::deque<log_entry> alone{std::move(entry)};
    const log_entry& what = alone.front();
    auto range_deletes = co_await plan_mass_delete(what);
    if (!range_deletes) co_return step_result(end_reason::master_away, range_deletes.error());
    if (auto end = session_->interrupted()) co_return std::move(*end);
    if (!*range_deletes) {
        replay_until_ = what.rev;
        co_return end_reason::behind;
    }
    const std::vector<mapped_revision> revisions = map_revisions(alone.begin(), alone.end(), parts_.keys);
    checkpoint next = advance_checkpoint(position_, revisions, what.rev, parts_.keys);
    co_return co_await commit_at(**range_deletes, std::move(next));
}

aio::awaitable<etcd::result<std::optional<batch>>> advancer::plan_mass_delete(log_entry entry) {
    std::optional<batch> nothing;
    const auto has_foreign = [](const span& s) { return s.since > 0; };
    const auto& spans = position_.spans;
    if (!parts_.keys.maps_ranges() || advance_frontier(position_) ||
        std::any_of(spans.begin(), spans.end(), has_foreign))
        co_return nothing;
    const net::channel_options options;
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return channel.error();
    etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
    std::optional<batch> wipe(std::in_place, parts_.limits.now());
    for (const segment& part : parts_.keys.segments()) {
        const auto deleted = keys::intersect(part.source, *entry.mass_delete);
        if (!deleted) continue;
        const wire_range wire(*deleted);
        etcd::range_query query;
        query.key = wire.key;
        query.range_end = wire.range_end;
        query.count_only = true;
        query.at = entry.rev;
        const auto page = co_await master.range(query);
        if (!page && !master.usable()) co_return page.error();
        if (!page || page->count > 0) co_return nothing;  // compacted, or some keys between them were left
        wipe->add_range_delete(*keys::map_range(*deleted, part.keys.strip, part.keys.dest));
        if (wipe->writes().size() >= parts_.limits.now().max_ops - 1) co_return nothing;
    }
    co_return wipe;
}

aio::awaitable<step_result> advancer::apply_part(const log_entry& part) {
    const std::deque<log_entry> alone(1, part);
    std::vector<mapped_revision> revisions = map_revisions(alone.begin(), alone.end(), parts_.keys);
    const batch writes = fold_all(revisions, parts_.keys, advance_frontier(position_));
    // The effect on the number of keys and on the anchors is known only when the revision is complete; by then this part is
    // gone.
    position_.count.reset();
    update(position_.anchors, part);
    report_split(part.rev);
    co_return co_await write_in_parts(writes, nullptr);
}

aio::awaitable<step_result> advancer::write_in_parts(const batch& all, const checkpoint* whole) {
    const std::vector<etcd::operation> writes = likely_rejects_first(all, parts_.limits.now());
    const checkpoint before = position_;
    std::size_t done = 0;
    do {
        if (auto end = session_->interrupted()) co_return std::move(*end);
        batch part(parts_.limits.now());
        if (!writes.empty()) part = next_part(writes, done, parts_.limits.now());
        const bool last = done + part.writes().size() == writes.size();
        position_.split = true;
        if (last && whole != nullptr) position_ = *whole;
        if (part.empty() && whole == nullptr) co_return end_reason::done;
        auto end = co_await session_->commit(part);
        if (end.reason == end_reason::slave_failed) {
            position_ = before;
            if (!parts_.limits.note_refused(end.error, part)) co_return end;
            continue;
        }
        if (end.reason != end_reason::done) co_return end;
        done += part.writes().size();
    } while (done < writes.size());
    co_return end_reason::done;
}

void advancer::report_split(revision rev) {
    link_status& status = parts_.report.status();
    if (status.split_revision == rev) return;
    status.split_revision = rev;
    if (++status.splits > 1) return;
    parts_.report.log(observe::log_level::warn, "revision is too large for one Txn of the slave; applying it in parts",
                      {{"revision", rev}});
}

}  // namespace etcdsync::replication
