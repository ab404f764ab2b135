// SPDX-License-Identifier: Apache-2.0
#include "replication/link/full_sync_pass.hpp"

#include "replication/record/proof.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

std::string_view name_of(full_sync_pass::way way) {
    switch (way) {
        case full_sync_pass::way::count: return "count";
        case full_sync_pass::way::repair: return "repair";
        case full_sync_pass::way::count_extra: return "count";
        case full_sync_pass::way::prune: return "prune";
    }
    return "";
}

}  // namespace

step_result full_sync_pass::master_failed(const etcd::error& why) const {
    if (why.cls == etcd::error_class::compacted) return step_result(end_reason::compare, why);
    return step_result(end_reason::master_away, why);
}

std::string& full_sync_pass::frontier() {
    // Extra keys are counted from the first one on, wherever the deleting stands. The other passes go on at the frontier.
    return way_ == way::count_extra ? session_->extra_frontier_ : session_->position_.frontier;
}

aio::awaitable<step_result> full_sync_pass::run() {
    const auto total = co_await count_keys(*master_, session_->parts_.keys, session_->position_.rev);
    if (!total) co_return master_failed(total.error());
    session_->position_.count = *total;
    progress().pass = name_of(way_);
    const auto keys_to_compare = static_cast<std::uint64_t>(std::max<std::int64_t>(total->value_or(0), 0));
    progress().total = std::max(progress().done, keys_to_compare);
    const std::string begin = frontier();
    for (const segment& part : session_->parts_.keys.segments()) {
        if (!part.target.end.empty() && part.target.end <= begin) continue;
        auto end = co_await compare_segment(part, std::max(begin, part.target.begin));
        if (end.reason != end_reason::done) co_return end;
    }
    co_return co_await flush(reached_);
}

aio::awaitable<step_result> full_sync_pass::compare_segment(const segment& where, const std::string& from) {
    comparison found(session_->parts_.keys, where, from, keys_only());
    page_reader::options of_master;
    of_master.at = session_->position_.rev;
    of_master.keys_only = keys_only();
    of_master.page_bytes = session_->parts_.page_bytes;
    page_reader::options of_slave = of_master;
    of_slave.at = 0;
    page_reader master_pages(*master_, session_->parts_.with.tasks, where.source, of_master);
    page_reader slave_pages(session_->slave_->kv(), session_->parts_.with.tasks, where.target, of_slave);
    std::uint64_t counted = 0;
    step_result end = end_reason::done;
    while (end.reason == end_reason::done) {
        const comparison::step step = found.next();
        newest_ = std::max(newest_, found.newest());
        progress().done += found.compared() - std::exchange(counted, found.compared());
        if (step.what == outcome::done) {
            reached_ = found.frontier();
            break;
        }
        if (step.what == outcome::need_master) {
            end = co_await next_master_page(found, master_pages, where);
        } else if (step.what == outcome::need_slave) {
            auto page = co_await slave_pages.next(found.slave_from());
            if (!page) co_return step_result(end_reason::slave_failed, page.error());
            found.add_slave(std::move(*page));
        } else {
            end = co_await take(step);
        }
    }
    for (std::size_t i = 0; i < found.on_slave().size(); ++i) found_->rules[i].on_slave += found.on_slave()[i];
    co_return end;
}

aio::awaitable<step_result> full_sync_pass::next_master_page(comparison& found, page_reader& pages,
                                                             const segment& where) {
    if (auto end = session_->interrupted()) co_return std::move(*end);
    // The log is about to forget R: what changed below the frontier must be taken over before.
    // (Not before a page was read: then it would go on like this for ever where the master is fast.)
    if (pages_read_ > 0 && session_->parts_.source.recent().is_aging(session_->position_.rev)) {
        auto flushed = co_await flush(found.frontier());
        if (flushed.reason != end_reason::done) co_return flushed;
        co_return end_reason::compare;
    }
    auto page = co_await pages.next(found.master_from());
    if (!page) {
        auto flushed = co_await flush(found.frontier());
        if (flushed.reason != end_reason::done) co_return flushed;
        co_return master_failed(page.error());
    }
    ++pages_read_;
    if (way_ == way::repair) sample(*page, where);
    found.add_master(std::move(*page));
    co_return end_reason::done;
}

void full_sync_pass::sample(const etcd::range_page& page, const segment& where) {
    const auto newest = std::max_element(
        page.kvs.begin(), page.kvs.end(),
        [](const etcd::key_value& a, const etcd::key_value& b) { return a.mod_revision < b.mod_revision; });
    std::string unused;
    if (newest == page.kvs.end() || !session_->parts_.keys.to_slave(where, newest->key, unused)) return;
    remember(session_->position_.witnesses, anchor_of(*newest));
}

aio::awaitable<step_result> full_sync_pass::take(const comparison::step& found) {
    if (found.what == outcome::slave_only) co_return co_await take_slave_only(found);
    // Both sides were equal here when the prune pass began, and advance keeps them so.
    if (keys_only()) co_return end_reason::done;
    if (found.what == outcome::different) found_->note_overwrite(found.rule, found.key);
    if (way_ == way::count) co_return end_reason::done;
    co_return co_await add(etcd::event_type::put, found);
}

aio::awaitable<step_result> full_sync_pass::take_slave_only(const comparison::step& found) {
    const fate what = fate_of(session_->parts_.keys, found.rule, session_->parts_.guards.safety,
                              session_->position_.spans, found.key, found.mod_revision);
    found_->note_slave_only(found.rule, what, found.key);
    if (way_ != way::prune || what != fate::remove) co_return end_reason::done;
    std::optional<std::uint64_t>& budget = session_->budget_;
    if (!budget || *budget == 0) co_return end_reason::blocked_by_guard;
    --*budget;
    co_return co_await add(etcd::event_type::remove, found);
}

aio::awaitable<step_result> full_sync_pass::add(etcd::event_type type, const comparison::step& found) {
    if (writes_.add(type, found.key, found.value, found.owner)) co_return end_reason::done;
    auto end = co_await flush(std::string(found.key));
    if (end.reason != end_reason::done) co_return end;
    if (writes_.add(type, found.key, found.value, found.owner)) co_return end_reason::done;
    // One key larger than the budget of a Txn goes alone; whether the slave takes it, it says itself.
    writes_ = batch(txn_limits::none());
    const bool added = writes_.add(type, found.key, found.value, found.owner);
    if (!added)
        co_return step_result(end_reason::slave_failed,
                              etcd::error(etcd::error_class::bad_request, "a Txn holds no write at all"));
    co_return co_await flush(std::string(found.key).append(1, '\0'));
}

aio::awaitable<step_result> full_sync_pass::flush(std::string to) {
    const std::string before = std::exchange(frontier(), std::move(to));
    if (writes_.empty()) co_return end_reason::done;
    co_await note_event();
    auto end = co_await session_->commit(writes_);
    if (end.reason == end_reason::slave_failed) {
        frontier() = before;
        if (shrink_limits(end.error, writes_, session_->parts_.limits)) end = step_result(end_reason::resume_pass);
    }
    writes_ = batch(session_->parts_.limits);
    co_return end;
}

aio::awaitable<> full_sync_pass::note_event() {
    checkpoint& position = session_->position_;
    if (!position.event_digest.empty() || newest_ == 0) co_return;
    position.event_revision = std::max(position.event_revision, newest_);
    const context& with = session_->parts_.with;
    position.event_digest =
        co_await learn_event_digest(master_->channel(), with, session_->parts_.master.request_timeout(),
                                    session_->parts_.keys, position.event_revision);
}

}  // namespace etcdsync::replication
