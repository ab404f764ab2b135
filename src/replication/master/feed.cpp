// SPDX-License-Identifier: Apache-2.0
#include "replication/master/feed.hpp"

#include "replication/mapping/queries.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// If there are several feeds, each gets a share of the memory for logs, and a window to match.
net::channel_options watch_connection(std::size_t log_limit) {
    const auto window = static_cast<std::uint32_t>(std::clamp<std::size_t>(log_limit / 4, 64U << 10, 1U << 20));
    net::channel_options options;
    options.http2.stream_window = window;
    options.http2.connection_window = 2 * window;
    return options;
}

/// Where a watch begins that reads what follows on `position`, and first E's events.
replay::start start_after(revision position, const proof_event& last) {
    replay::start out;
    out.known = position;
    out.last_event = last.rev;
    out.event_digest = last.digest;
    return out;
}

/// E's events are compacted, or this user may no longer read them.
bool is_unreadable(etcd::error_class cls) {
    return cls == etcd::error_class::compacted || cls == etcd::error_class::denied;
}

}  // namespace

feed::feed(const context& with, etcd::cluster& master, keys::key_range cover, revision_assembler::selector selects,
           std::size_t log_limit, std::string configured_endpoints, std::string rule)
    : context_(&with), master_(&master),
      selected_(std::make_shared<const selection>(selection{std::move(cover), std::move(selects)})), log_(log_limit),
      pauses_(with.probe_interval), report_(with, std::move(configured_endpoints), std::move(rule)) {
    master_->set_health_probe(health_probe_query(selected_->cover));
    failback_ = master_->enable_failback([this] { interrupt_.prefer_endpoint(); });
}

void feed::select(keys::key_range cover, revision_assembler::selector selects) {
    selected_ = std::make_shared<const selection>(selection{std::move(cover), std::move(selects)});
    selected_since_ = {log_.generation(), log_.position()};
    master_->set_health_probe(health_probe_query(selected_->cover));
    interrupt_.change_keys();
}

aio::awaitable<> feed::run() {
    for (;;) {
        const etcd::error why = co_await follow();
        const bool interrupted = why.cls == etcd::error_class::cancelled;
        if (interrupt_.keys_changed() && interrupted) continue;
        if (interrupt_.take_better_endpoint() && interrupted) {
            report_.failed_back(master_->preferred().url);
            continue;
        }
        history_.note_failure(why.cls);
        const auto pause = pauses_.next(why.cls, context_->random);
        report_.failed(why, selected_->cover, pause);
        listeners_.notify();
        co_await aio::sleep(context_->clock, pause);
    }
}

aio::awaitable<etcd::error> feed::follow() {
    const net::channel_options options = watch_connection(log_.limit());
    auto channel = co_await master_->connect(options);
    if (!channel) co_return channel.error();
    const std::shared_ptr<net::channel> on = *channel;
    interrupt_.reset();
    etcd::kv reads(on, context_->clock, master_->request_timeout());
    const etcd::range_query query = probe_query(selected_->cover);
    const revision floor = history_.seen();
    const auto page = co_await reads.range(query);
    if (!page) {
        master_->avoid(on->peer());
        co_return page.error();
    }
    continue_or_restart_log(page->header, floor);
    ++connections_;
    replay::start from = start_after(log_.position(), history_.last_event());
    if (from.last_event > 0 && history_.last_event().selected != selected_) {
        // The digest may come from keys that are no longer selected. First prove this master by the
        // previous selection.
        auto failed = co_await prove_last_event(on);
        if (failed) co_return std::move(*failed);
        from = start_after(from.known, {});
    }
    auto end = co_await read_from(on, from);
    if (end.cls == etcd::error_class::compacted && from.last_event > 0 && log_.position() == from.known) {
        from.last_event = 0;  // E is compacted, but the revisions after the position may still exist
        history_.note_unproven();
        end = co_await read_from(on, from);
    }
    // Either the member said that it cannot serve, or the connection broke. A member that hangs
    // still accepts connections, so avoid both.
    if (end.cls == etcd::error_class::retry || !on->usable()) master_->avoid(on->peer());
    co_return end;
}

void feed::continue_or_restart_log(const etcd::response_header& header, revision floor) {
    const history_change change = history_.check(header, log_, floor);
    if (change == history_change::none) return;
    report_.history_changed(change, log_.position(), header.store_revision);
    log_.restart(header.store_revision);
    listeners_.notify();
}

aio::awaitable<std::optional<etcd::error>> feed::prove_last_event(std::shared_ptr<net::channel> on) {
    const std::shared_ptr<const selection> selected = history_.last_event().selected;
    const replay::start from = start_after(log_.position(), history_.last_event());
    replay source(on, *context_, master_->request_timeout(), selected->cover, from, selected->selects, log_.limit(),
                  true);
    const auto registered = interrupt_.open(source);
    std::deque<log_entry> known;
    while (!source.proved()) {
        if (auto end = interrupt_.reason()) co_return std::move(*end);
        const auto read = co_await source.read(known);
        if (!read && is_unreadable(read.error().cls)) {
            history_.note_unproven();
            co_return std::nullopt;
        }
        if (!read) co_return read.error();
    }
    co_return std::nullopt;
}

aio::awaitable<etcd::error> feed::read_from(std::shared_ptr<net::channel> on, replay::start from) {
    const std::shared_ptr<const selection> selected = selected_;
    replay source(on, *context_, master_->request_timeout(), selected->cover, from, selected->selects, log_.limit(),
                  true);
    const auto registered = interrupt_.open(source);
    const auto opened = context_->clock.now();
    std::deque<log_entry> entries;
    if (auto end = interrupt_.reason()) co_return std::move(*end);
    for (;;) {
        auto read = co_await source.read(entries);
        if (!read) co_return read.error();
        // Entries of the previous selection may lack keys that the log must contain from now on.
        if (interrupt_.keys_changed()) co_return *interrupt_.reason();
        report_.connected(on->peer().url, log_.position());
        if (pauses_.received(source.position() > from.known, context_->clock.now() - opened)) report_.progressed();
        for (log_entry& entry : entries) {
            history_.record(entry, selected);
            log_.append(std::move(entry));
        }
        entries.clear();
        log_.advance_position(source.position());
        report_.count_events(source.events().events_seen(), source.events().events_dropped());
        listeners_.notify();
    }
}

master_status feed::current() const {
    master_status out = report_.status();
    out.known = log_.position();
    out.cluster_id = history_.cluster_id();
    return out;
}

}  // namespace etcdsync::replication
