// SPDX-License-Identifier: Apache-2.0
#include "replication/link/pinned_revision.hpp"

#include "replication/link/pass_position.hpp"
#include "replication/link/same_master.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/record/current_state.hpp"
#include "replication/record/proof.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace etcdsync::replication {
namespace {

/// The master sorts all keys to find the newest one: for a first sync, which has nothing to lose, only if they are few.
constexpr std::int64_t few_keys = 10'000;

/// The newest change at revision `at` among the keys of `keys`. Nothing if there is none, or if the master does not answer.
aio::awaitable<std::optional<revision>> find_newest_event(etcd::kv master, const mapping& keys, revision at) {
    revision newest = 0;
    for (const segment& part : keys.segments()) {
        etcd::range_query query = probe_query(part.source);
        query.at = at;
        query.newest_first = true;
        const auto page = co_await master.range(query);
        if (!page) co_return std::nullopt;  // the pass meets the same error and handles it
        if (!page->kvs.empty()) newest = std::max(newest, page->kvs.front().mod_revision);
    }
    if (newest == 0) co_return std::nullopt;
    co_return newest;
}

}  // namespace

aio::awaitable<step_result> pinned_revision::resume() {
    auto end = co_await prove_again();
    if (end.reason != end_reason::done || nothing_below_frontier(position_)) co_return end;
    // A resumed pass: what the slave rejected may be gone from the master since, but not at the old R.
    co_return co_await advancer_->advance_to_head();
}

aio::awaitable<step_result> pinned_revision::prove_again() {
    // This is not the connection that was proven, and much time may have passed.
    const checkpoint& record = session_->writer().record();
    if (!session_->history().proven || record.event_revision == 0) co_return end_reason::done;
    const proof_request ask{master_.channel(), parts_.with, parts_.master.request_timeout(),
                            parts_.keys,       record,      parts_.source.seen()};
    auto by_record = co_await prove_history(ask);
    const auto proved = co_await compare_with_feed(master_.channel(), parts_, std::move(by_record));
    if (!proved) co_return step_result(end_reason::master_away, proved.error());
    if (auto end = session_->interrupted()) co_return std::move(*end);
    if (!proved->is_contradiction()) co_return end_reason::done;
    parts_.master.avoid(master_.peer());
    co_return end_reason::restart;
}

aio::awaitable<step_result> pinned_revision::choose() {
    // Nothing was copied yet, so R may be chosen: the newest revision. The log's position can be old if the master is busy
    // outside the rules, and its history compacted. What the log still delivers up to here is skipped later.
    const etcd::range_query query = probe_query(parts_.keys.cover());
    const auto page = co_await master_.range(query);
    if (!page) co_return step_result(end_reason::master_away, page.error());
    if (auto end = session_->interrupted()) co_return std::move(*end);
    if (page->header.cluster_id != position_.cluster_id || page->header.store_revision < position_.rev) {
        const etcd::error other(etcd::error_class::retry,
                                master_.peer().name() + ": another master than the one watched");
        co_return step_result(end_reason::master_away, other);
    }
    position_.rev = page->header.store_revision;
    parts_.source.note_seen(position_.rev);
    position_.anchors.clear();
    position_.count.reset();
    if (position_.pass != sync_pass::repair) co_return end_reason::done;
    auto end = co_await find_event();
    if (end.reason != end_reason::done) co_return end;
    co_return co_await session_->commit_position();
}

aio::awaitable<step_result> pinned_revision::find_event() {
    // The checkpoint of a full sync begins without an E. If this process were killed before it has one, its successor could not
    // prove the master. So the newest revision is recorded before the first page.
    const bool needed = position_.event_digest.empty();
    if (!needed || parts_.keys.segments().size() > most_segments_to_count) co_return end_reason::done;
    if (session_->history().is_first) {
        const auto count = co_await count_keys(master_, parts_.keys, position_.rev);
        if (!count || count->value_or(few_keys) >= few_keys) co_return end_reason::done;
    }
    const auto newest = co_await find_newest_event(master_, parts_.keys, position_.rev);
    if (!newest) co_return end_reason::done;
    std::string digest = co_await read_event_digest(master_.channel(), parts_.with, parts_.master.request_timeout(),
                                                    parts_.keys, *newest);
    if (auto end = session_->interrupted()) co_return std::move(*end);
    if (digest.empty()) co_return end_reason::done;
    position_.event_revision = *newest;
    position_.event_digest = std::move(digest);
    co_return end_reason::done;
}

aio::awaitable<step_result> pinned_revision::move_on() {
    if (nothing_below_frontier(position_)) co_return end_reason::done;
    const revision before = position_.rev;
    auto end = co_await advancer_->advance_to_head();
    if (end.reason != end_reason::done || position_.rev > before) co_return end;
    // The log has nothing newer, but the pages at R are gone. A read, or else a watch, shows whether anything changed.
    const auto unchanged = co_await find_unchanged(master_, parts_.keys, position_);
    if (!unchanged) co_return step_result(end_reason::master_away, unchanged.error());
    if (auto stop = session_->interrupted()) co_return std::move(*stop);
    if (!*unchanged || **unchanged <= before) co_return co_await catch_up_->replay_missed();
    move_unchanged(position_, **unchanged);
    parts_.source.note_seen(position_.rev);
    co_return end_reason::done;
}

}  // namespace etcdsync::replication
