// SPDX-License-Identifier: Apache-2.0
#include "replication/master/replay.hpp"

#include "replication/mapping/queries.hpp"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <utility>

namespace etcdsync::replication {
namespace {

/// Limit for answers that etcd gives at once: that a watch was created, and the first events of a
/// watch from a revision with events.
constexpr std::chrono::seconds answer_timeout{8};

/// The longest silence in the middle of a message. Between messages a watch may be silent indefinitely.
constexpr std::chrono::seconds part_timeout{20};

/// Cancels the watch if a message that has begun makes no progress; with `must_begin`, also if none begins in that time.
class progress_guard {
public:
    progress_guard(aio::clock& clock, etcd::watch_stream& of, std::optional<aio::clock::duration> must_begin = {})
        : clock_(&clock), of_(&of), must_begin_(must_begin.has_value()) {
        arm(must_begin.value_or(part_timeout));
    }

    [[nodiscard]] bool stalled() const { return stalled_; }

private:
    void arm(aio::clock::duration how_long) {
        alarm_.emplace(*clock_, clock_->now() + how_long, [this] { check(); });
    }
    void check() {
        const std::uint64_t before = std::exchange(seen_, of_->message_progress());
        if (seen_ == 0 ? !must_begin_ : seen_ != before) return arm(part_timeout);
        stalled_ = true;
        of_->cancel();
    }

    aio::clock* clock_;
    etcd::watch_stream* of_;
    bool must_begin_;
    std::uint64_t seen_ = 0;
    bool stalled_ = false;
    std::optional<aio::alarm> alarm_;
};

/// A position this far ahead of the last one is accepted only if the master confirms it: a single
/// wrong header would otherwise give a slave a checkpoint that no true revision ever reaches.
constexpr revision suspicious_step = 1'000'000;

etcd::watch_query watch_query_for(const keys::key_range& cover, const replay::start& from) {
    const wire_range wire(cover);
    etcd::watch_query query;
    query.key = wire.key;
    query.range_end = wire.range_end;
    query.start_revision = from.last_event > 0 ? from.last_event : from.known + 1;
    return query;
}

}  // namespace

replay::replay(std::shared_ptr<net::channel> on, const context& with, aio::clock::duration timeout,
               const keys::key_range& cover, const start& from, revision_assembler::selector selects,
               std::size_t largest, bool folds_deletes)
    : kv_(on, with.clock, timeout), cover_(cover), clock_(&with.clock), from_(from),
      watch_(*on, watch_query_for(cover, from)),
      assembler_(
          from.known, selects, [this](log_entry entry) { fresh_.push_back(std::move(entry)); }, largest, folds_deletes),
      proof_events_(from.last_event, selects) {}

aio::awaitable<etcd::result<void>> replay::read(std::deque<log_entry>& out) {
    auto message = co_await next_message();
    if (!message) co_return message.error();
    created_ = true;
    if (message->what == etcd::watch_message::kind::compacted) {
        co_return etcd::error(etcd::error_class::compacted,
                              fmt::format("{}: the master compacted its history at revision {}", kv_.peer().name(),
                                          message->response.compact_revision));
    }
    if (message->what == etcd::watch_message::kind::created)
        co_return co_await settle(message->response.header.store_revision);
    auto other = co_await check_proof_events(*message);
    if (other) co_return std::move(*other);
    const revision before = assembler_.position();
    assembler_.take(*message, clock_->now());
    if (assembler_.position() - before > suspicious_step) {
        auto failed = co_await check_reached(assembler_.position(), etcd::error_class::watch_violation);
        if (failed) co_return std::move(*failed);
    }
    if (gap_possible_ && (assembler_.position() > before || !fresh_.empty())) {
        auto failed = co_await check_readable(before);
        if (failed) co_return std::move(*failed);
        gap_possible_ = false;
    }
    if (assembler_.was_cut()) gap_possible_ = true;
    std::move(fresh_.begin(), fresh_.end(), std::back_inserter(out));
    fresh_.clear();
    co_return etcd::result<void>();
}

aio::awaitable<etcd::result<etcd::watch_message>> replay::next_message() {
    const bool may_be_silent = created_ && (from_.last_event == 0 || proved_);
    if (may_be_silent) {
        const progress_guard guard(*clock_, watch_);
        std::optional<aio::alarm> patience;
        if (from_.patience) {
            patience.emplace(*clock_, clock_->now() + *from_.patience, [this] {
                if (watch_.message_progress() > 0) return;  // what has begun to arrive is awaited
                silent_ = true;
                watch_.cancel();
            });
        }
        auto message = co_await watch_.next();
        if (message || !guard.stalled()) co_return message;
        co_return etcd::error(etcd::error_class::retry, kv_.peer().name() + ": a message of the watch stalled");
    }
    const progress_guard guard(*clock_, watch_, answer_timeout);
    auto message = co_await watch_.next();
    if (message || !guard.stalled()) co_return message;
    if (created_) {
        const auto has_others = co_await has_other_events();
        if (!has_others) co_return has_others.error();
        if (*has_others) co_return other_history();
    }
    co_return etcd::error(etcd::error_class::retry, kv_.peer().name() + ": no answer to a watch in time");
}

etcd::error replay::other_history() const {
    return {etcd::error_class::other_history,
            fmt::format("{}: the events of revision {} are not the ones we knew", kv_.peer().name(), from_.last_event)};
}

aio::awaitable<etcd::result<bool>> replay::has_other_events() {
    // Every revision has at least one event, so a watch on all keys is answered whatever history
    // this is.
    const etcd::watch_query query = watch_query_for(keys::key_range(), from_);
    etcd::watch_stream everything(*kv_.channel(), query);
    const aio::alarm limit(*clock_, clock_->now() + answer_timeout, [&everything] { everything.cancel(); });
    bool seen = false;
    for (;;) {
        const auto message = co_await everything.next();
        if (!message && message.error().cls == etcd::error_class::denied) {
            // The user may read only its own keys. E's events cannot be checked, as if E had been
            // compacted.
            co_return etcd::error(
                etcd::error_class::compacted,
                fmt::format("{}: the events of revision {} cannot be read", kv_.peer().name(), from_.last_event));
        }
        if (!message || message->what == etcd::watch_message::kind::compacted) co_return false;
        if (message->what != etcd::watch_message::kind::events) continue;
        for (const etcd::event& event : message->response.events) {
            if (event.kv.mod_revision > from_.last_event) co_return seen;
            if (cover_.contains(event.kv.key)) co_return false;  // the event was only late
            seen = true;
        }
        if (!message->response.fragment) co_return seen;
    }
}

aio::awaitable<etcd::result<void>> replay::settle(revision store) {
    if (store < from_.known) {  // a lagging member, or a watch that would wait indefinitely (faults.md F6, F7)
        auto failed = co_await check_reached(from_.known, etcd::error_class::other_history);
        if (failed) co_return std::move(*failed);
    }
    if (store <= from_.known) gap_possible_ = false;
    if (!gap_possible_ || from_.last_event > 0) co_return etcd::result<void>();
    // No event may follow for hours, and by then the known revision may be compacted although
    // nothing was lost. So check now, after the server (every 100 ms) has read what there was to
    // read.
    co_await aio::sleep(*clock_, std::chrono::seconds(1));
    auto failed = co_await check_readable(from_.known);
    if (failed) co_return std::move(*failed);
    gap_possible_ = false;
    co_return etcd::result<void>();
}

aio::awaitable<std::optional<etcd::error>> replay::check_proof_events(const etcd::watch_message& message) {
    if (from_.last_event == 0 || proved_) co_return std::nullopt;
    proof_events_.take(message, clock_->now());
    if (proof_events_.impossible()) {
        co_return etcd::error(etcd::error_class::compacted,
                              fmt::format("{}: the events of revision {} are too many to be compared",
                                          kv_.peer().name(), from_.last_event));
    }
    if (!proof_events_.complete()) co_return std::nullopt;
    const std::string& seen = proof_events_.hex();
    proved_ = !seen.empty() && (from_.event_digest.empty() || seen == from_.event_digest);
    if (proved_) co_return std::nullopt;
    // If E is exactly the compacted revision, its deletes are missing: that is not another history.
    auto unreadable = co_await check_readable(from_.last_event - 1);
    if (unreadable) co_return std::move(*unreadable);
    co_return other_history();
}

aio::awaitable<std::optional<etcd::error>> replay::check_reached(revision at, etcd::error_class otherwise) {
    const etcd::range_query query = probe_query(cover_);
    const auto page = co_await kv_.range(query);
    if (!page) co_return page.error();
    if (page->header.store_revision >= at) co_return std::nullopt;
    co_return etcd::error(otherwise, fmt::format("{}: it reported revision {}, but is at {}", kv_.peer().name(), at,
                                                 page->header.store_revision));
}

aio::awaitable<std::optional<etcd::error>> replay::check_readable(revision at) {
    // A compaction at a revision that the watch has not delivered yet silently removes the deletes
    // in it: the watch continues as if they had not happened (etcd#19179, faults.md section 8). The
    // revision reached before is then compacted, too, and a Range there fails; as long as it is
    // readable, everything after it is complete.
    etcd::range_query query = probe_query(cover_);
    query.at = at;
    const auto page = co_await kv_.range(query);
    if (page) co_return std::nullopt;
    co_return page.error();
}

}  // namespace etcdsync::replication
