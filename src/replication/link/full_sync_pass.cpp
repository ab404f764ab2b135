// SPDX-License-Identifier: Apache-2.0
#include "replication/link/full_sync_pass.hpp"

#include "replication/record/current_state.hpp"
#include "replication/record/proof.hpp"
#include "replication/slave/learned_limits.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

std::string_view name_of(full_sync_pass::mode mode) {
    switch (mode) {
        case full_sync_pass::mode::count: return "count";
        case full_sync_pass::mode::repair: return "repair";
        case full_sync_pass::mode::count_extra: return "count";
        case full_sync_pass::mode::prune: return "prune";
    }
    return "";
}

}  // namespace

step_result full_sync_pass::master_failed(const etcd::error& why) {
    if (why.cls == etcd::error_class::compacted) return step_result(end_reason::compare, why);
    return step_result(end_reason::master_away, why);
}

aio::awaitable<step_result> full_sync_pass::run() {
    const auto total = co_await count_keys(*master_, parts_.keys, position_.rev);
    if (!total) co_return master_failed(total.error());
    position_.count = *total;
    shown().pass = name_of(mode_);
    const auto keys_to_compare = static_cast<std::uint64_t>(std::max<std::int64_t>(total->value_or(0), 0));
    shown().total = std::max(shown().done, keys_to_compare);
    constexpr revision present = 0;
    const segment_pages::side master{*master_, page_options(position_.rev)};
    const segment_pages::side slave{session_->writer().kv(), page_options(present)};
    segment_pages pages(master, slave, parts_.with.tasks, parts_.keys.segments(), at_.frontier);
    while (segment_pages::part* const part = pages.next()) {
        auto end = co_await compare_segment(*part);
        if (end.reason != end_reason::done) co_return end;
    }
    co_return co_await flush(reached_);
}

page_reader::options full_sync_pass::page_options(revision at) const {
    page_reader::options out;
    out.at = at;
    out.keys_only = keys_only();
    out.page_bytes = parts_.pages.bytes();
    return out;
}

void full_sync_pass::note_page(const etcd::range_page& page, const etcd::kv& from) {
    bytes_ += page.owner->size();
    // It may be what arrived before the connection broke.
    from.usable() ? parts_.pages.note_page() : parts_.pages.note_failure();
}

void full_sync_pass::note_failed_page(const etcd::error& why) {
    if (why.cls == etcd::error_class::ambiguous || why.cls == etcd::error_class::retry) parts_.pages.note_failure();
}

bool full_sync_pass::should_store_frontier() const {
    // On a line that breaks often, what was found equal must not be compared again and again.
    constexpr std::chrono::seconds interval{2};
    const bool is_stored = mode_ == mode::repair || mode_ == mode::prune;
    return is_stored && parts_.with.clock.now() - session_->last_commit() >= interval;
}

bool full_sync_pass::should_yield() const {
    constexpr std::chrono::seconds least_time{10};
    constexpr std::uint64_t slow = 4U << 10;  // bytes per second
    if (!parts_.full_sync_permits.is_waited_for()) return false;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(parts_.with.clock.now() - began_);
    return seconds >= least_time && bytes_ / static_cast<std::uint64_t>(seconds.count()) < slow;
}

aio::awaitable<step_result> full_sync_pass::compare_segment(segment_pages::part& pages) {
    comparison found(parts_.keys, pages.where, pages.begin, keys_only());
    std::uint64_t counted = 0;
    step_result end = end_reason::done;
    while (end.reason == end_reason::done) {
        const comparison::step step = found.next();
        newest_ = std::max(newest_, found.newest());
        shown().done += found.compared() - std::exchange(counted, found.compared());
        if (step.what == step_kind::done) {
            reached_ = found.frontier();
            break;
        }
        if (step.what == step_kind::need_master) {
            end = co_await next_master_page(found, pages);
        } else if (step.what == step_kind::need_slave) {
            auto page = co_await pages.slave.next(found.slave_from());
            if (!page) {
                note_failed_page(page.error());
                co_return step_result(end_reason::slave_failed, page.error());
            }
            note_page(*page, session_->writer().kv());
            found.add_slave(std::move(*page));
        } else {
            end = co_await take(step);
        }
    }
    for (std::size_t i = 0; i < found.on_slave().size(); ++i) at_.found.rules[i].on_slave += found.on_slave()[i];
    co_return end;
}

aio::awaitable<step_result> full_sync_pass::next_master_page(comparison& found, segment_pages::part& pages) {
    if (auto end = session_->interrupted()) co_return std::move(*end);
    // The log is about to drop R: changes below the frontier must be applied first. (Only after at least one page: with a fast
    // master the pass would never advance otherwise.)
    if (pages_read_ > 0 && parts_.source.recent().is_aging(position_.rev)) {
        auto flushed = co_await flush(found.frontier());
        if (flushed.reason != end_reason::done) co_return flushed;
        co_return end_reason::compare;
    }
    if (should_yield()) {
        auto flushed = co_await flush(found.frontier());
        if (flushed.reason != end_reason::done) co_return flushed;
        co_return end_reason::yielded;
    }
    if (should_store_frontier()) {
        auto stored = co_await flush(found.frontier());
        if (stored.reason != end_reason::done) co_return stored;
    }
    auto page = co_await pages.master.next(found.master_from());
    if (!page) {
        note_failed_page(page.error());
        auto flushed = co_await flush(found.frontier());
        if (flushed.reason != end_reason::done) co_return flushed;
        co_return master_failed(page.error());
    }
    ++pages_read_;
    note_page(*page, *master_);
    if (mode_ == mode::repair) sample(*page, pages.where);
    found.add_master(std::move(*page));
    co_return end_reason::done;
}

void full_sync_pass::sample(const etcd::range_page& page, const segment& where) {
    const auto newest = std::max_element(
        page.kvs.begin(), page.kvs.end(),
        [](const etcd::key_value& a, const etcd::key_value& b) { return a.mod_revision < b.mod_revision; });
    std::string unused;
    if (newest == page.kvs.end() || !parts_.keys.to_slave(where, newest->key, unused)) return;
    remember(position_.anchors, anchor_of(*newest, position_.rev));
}

aio::awaitable<step_result> full_sync_pass::take(const comparison::step& found) {
    if (found.what == step_kind::slave_only) co_return co_await take_slave_only(found);
    // Both sides were equal here when the prune pass began, and advance keeps them so.
    if (keys_only()) co_return end_reason::done;
    const revision known = session_->history().known_until;
    const bool explained = known > 0 && found.mod_revision > known;
    if (found.what == step_kind::different) at_.found.note_overwrite(found.rule, found.key, explained);
    if (mode_ == mode::count) co_return end_reason::done;
    co_return co_await add(etcd::event_type::put, found);
}

aio::awaitable<step_result> full_sync_pass::take_slave_only(const comparison::step& found) {
    const disposition what =
        disposition_of(parts_.keys, found.rule, parts_.guards.safety, position_.spans, found.key, found.mod_revision);
    at_.found.note_slave_only(found.rule, what, found.key);
    if (mode_ != mode::prune || what != disposition::remove) co_return end_reason::done;
    std::optional<std::uint64_t>& budget = at_.budget;
    if (!budget || *budget == 0) co_return end_reason::blocked_by_guard;
    --*budget;
    co_return co_await add(etcd::event_type::remove, found);
}

aio::awaitable<step_result> full_sync_pass::add(etcd::event_type type, const comparison::step& found) {
    if (writes_.add(type, found.key, found.value, found.owner)) co_return end_reason::done;
    auto end = co_await flush(std::string(found.key));
    if (end.reason != end_reason::done) co_return end;
    if (writes_.add(type, found.key, found.value, found.owner)) co_return end_reason::done;
    // A key larger than the budget of a Txn is sent alone: only the slave knows whether it accepts it.
    writes_ = batch(txn_limits::none());
    const bool added = writes_.add(type, found.key, found.value, found.owner);
    if (!added)
        co_return step_result(end_reason::slave_failed,
                              etcd::error(etcd::error_class::bad_request, "a Txn holds no write at all"));
    co_return co_await flush(std::string(found.key).append(1, '\0'));
}

aio::awaitable<step_result> full_sync_pass::flush(std::string to) {
    const std::string before = std::exchange(at_.frontier, std::move(to));
    if (writes_.empty() && !should_store_frontier()) co_return end_reason::done;
    // Once per pass, and at its end: if the master has compacted the event, each further question would be in vain as well.
    if (!std::exchange(asked_for_event_, true) && position_.event_digest.empty()) co_await record_newest_event();
    auto end = co_await session_->commit(writes_);
    if (end.reason == end_reason::slave_failed) {
        at_.frontier = before;
        if (parts_.limits.note_refused(end.error, writes_)) end = step_result(end_reason::resume_pass);
    }
    writes_ = batch(parts_.limits.now());
    co_return end;
}

aio::awaitable<> full_sync_pass::record_newest_event() {
    // A newer one survives compactions longer than the one that the pass began with.
    if (newest_ == 0 || (newest_ <= position_.event_revision && !position_.event_digest.empty())) co_return;
    const revision newest = std::max(position_.event_revision, newest_);
    std::string digest = co_await read_event_digest(master_->channel(), parts_.with, parts_.master.request_timeout(),
                                                    parts_.keys, newest);
    if (digest.empty() && !position_.event_digest.empty()) co_return;
    position_.event_revision = newest;
    position_.event_digest = std::move(digest);
}

}  // namespace etcdsync::replication
