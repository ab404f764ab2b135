// SPDX-License-Identifier: Apache-2.0
// How a session moves R: whole revisions in one Txn where they fit, in parts where they do not (design.md P1, P8).
#include "replication/link/session.hpp"
#include "replication/mapping/queries.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace etcdsync::replication {
namespace {

using deque_of_one = std::deque<log_entry>;

bool is_oversized(const etcd::operation& write, const txn_limits& limits) {
    return write.encoded_size() > std::max(limits.max_bytes, limits.max_revision_bytes);
}

bool holds_refused(const batch& writes, const txn_limits& limits) {
    return std::any_of(writes.writes().begin(), writes.writes().end(),
                       [&](const etcd::operation& write) { return write.encoded_size() >= limits.refused; });
}

/// What the slave may well refuse comes first: then nothing else is written again with each new try.
std::vector<etcd::operation> in_order_of_doubt(const batch& all, const txn_limits& limits) {
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
    // One key larger than the budget of a Txn goes alone; whether the slave takes it, it says itself.
    batch alone(txn_limits::none());
    static_cast<void>(alone.add(writes[at].type, writes[at].key, writes[at].value, nullptr));
    return alone;
}

}  // namespace

checkpoint session::after(entry_iterator first, entry_iterator last, revision to) const {
    const mapping& keys = parts_.keys;
    checkpoint out = position_;
    out.rev = to;
    out.split = false;
    const newest_event newest = newest_event_of(first, last, keys);
    if (newest.rev > 0) {
        out.event_revision = newest.rev;
        out.event_digest = newest.digest;
    }
    follow_changes(out.witnesses, first, last, [&keys](std::string_view key) { return keys.rule_of(key).has_value(); });
    const auto more = count_change(first, last, keys);
    if (out.count && more) {
        *out.count += *more;
    } else {
        out.count.reset();
    }
    return out;
}

aio::awaitable<step_result> session::apply_next(entry_iterator first, entry_iterator last, revision end_position) {
    const advance_plan plan = plan_advance(first, last, end_position, parts_.keys, frontier(), parts_.limits);
    if (plan.too_big) co_return co_await apply_too_big(first, last, end_position);
    checkpoint before = std::exchange(position_, after(first, plan.done, plan.to));
    // What was split and is whole now must be told, even where the last of it has nothing to write.
    if (plan.writes.empty() && !before.split) {
        if (applied_revision_is_valid()) parts_.report.status().applied = position_.rev;
        co_return end_reason::done;
    }
    auto end = co_await commit(plan.writes);
    if (end.reason == end_reason::slave_failed) {
        position_ = std::move(before);
        if (shrink_limits(end.error, plan.writes, parts_.limits)) co_return end_reason::done;
    }
    co_return end;
}

aio::awaitable<step_result> session::apply_too_big(entry_iterator first, entry_iterator last, revision end_position) {
    if (first->mass_delete) co_return co_await apply_mass_delete(*first);
    const auto stop = std::find_if(first, last, [](const log_entry& entry) { return entry.mass_delete.has_value(); });
    if (stop != last) {
        last = stop;
        end_position = std::prev(stop)->rev;
    }
    const batch one = fold_all(first, std::next(first), parts_.keys, frontier());
    const batch all = fold_all(first, last, parts_.keys, frontier());
    // Together with what follows it may be small again: a large value that was overwritten, a mass of keys that was deleted.
    if (all.fits_in(parts_.limits)) {
        checkpoint before = std::exchange(position_, after(first, last, end_position));
        auto end = co_await commit(all);
        if (end.reason == end_reason::slave_failed) {
            position_ = std::move(before);
            if (shrink_limits(end.error, all, parts_.limits)) co_return end_reason::done;
        }
        co_return end;
    }
    // What the slave refused before stands in the history for ever; in the master's present state it may be gone.
    if (holds_refused(one, parts_.limits)) {
        co_return step_result(end_reason::compare,
                              etcd::error(etcd::error_class::too_large, "a value is too large for the slave"));
    }
    const checkpoint whole = after(first, std::next(first), first->rev);
    tell_of_split(first->rev);
    co_return co_await write_in_parts(one, &whole);
}

aio::awaitable<step_result> session::apply_mass_delete(log_entry entry) {
    const deque_of_one alone{std::move(entry)};
    const log_entry& what = alone.front();
    auto wipe = co_await plan_mass_delete(what);
    if (!wipe) co_return step_result(end_reason::master_away, wipe.error());
    if (auto end = interrupted()) co_return std::move(*end);
    if (!*wipe) co_return co_await replay_up_to(what.rev);
    checkpoint before = std::exchange(position_, after(alone.begin(), alone.end(), what.rev));
    auto end = co_await commit(**wipe);
    if (end.reason == end_reason::slave_failed) {
        position_ = std::move(before);
        if (shrink_limits(end.error, **wipe, parts_.limits)) co_return end_reason::done;
    }
    co_return end;
}

aio::awaitable<etcd::result<std::optional<batch>>> session::plan_mass_delete(log_entry entry) {
    std::optional<batch> nothing;
    const auto has_foreign = [](const span& s) { return s.since > 0; };
    const auto& spans = position_.spans;
    if (!parts_.keys.maps_ranges() || frontier() || std::any_of(spans.begin(), spans.end(), has_foreign))
        co_return nothing;
    const net::channel_options options;
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return channel.error();
    etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
    std::optional<batch> wipe(std::in_place, parts_.limits);
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
        if (wipe->writes().size() >= parts_.limits.max_ops - 1) co_return nothing;
    }
    co_return wipe;
}

aio::awaitable<step_result> session::apply_part(const log_entry& part) {
    const std::deque<log_entry> alone(1, part);
    const batch writes = fold_all(alone.begin(), alone.end(), parts_.keys, frontier());
    // What it does to the number of keys, and to those that serve as witnesses, shows when the revision is whole: by then this
    // part is gone.
    position_.count.reset();
    follow_changes(position_.witnesses, alone.begin(), alone.end(), [](std::string_view) { return false; });
    tell_of_split(part.rev);
    co_return co_await write_in_parts(writes, nullptr);
}

aio::awaitable<step_result> session::write_in_parts(const batch& all, const checkpoint* whole) {
    const std::vector<etcd::operation> writes = in_order_of_doubt(all, parts_.limits);
    const checkpoint before = position_;
    std::size_t done = 0;
    do {
        if (auto end = interrupted()) co_return std::move(*end);
        batch part(parts_.limits);
        if (!writes.empty()) part = next_part(writes, done, parts_.limits);
        const bool last = done + part.writes().size() == writes.size();
        position_.split = true;
        if (last && whole != nullptr) position_ = *whole;
        if (part.empty() && whole == nullptr) co_return end_reason::done;
        auto end = co_await commit(part);
        if (end.reason == end_reason::slave_failed) {
            position_ = before;
            if (!shrink_limits(end.error, part, parts_.limits)) co_return end;
            continue;
        }
        if (end.reason != end_reason::done) co_return end;
        done += part.writes().size();
    } while (done < writes.size());
    co_return end_reason::done;
}

void session::tell_of_split(revision rev) {
    link_status& status = parts_.report.status();
    if (status.split_revision == rev) return;
    status.split_revision = rev;
    if (++status.splits > 1) return;
    parts_.with.log.warn(status.name + ": a revision of the master fits in no Txn of the slave: it is applied in parts",
                         {{"revision", rev}});
}

}  // namespace etcdsync::replication
