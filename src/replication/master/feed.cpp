// SPDX-License-Identifier: Apache-2.0
#include "replication/master/feed.hpp"

#include "base/escape.hpp"
#include "base/scoped_pointer.hpp"
#include "base/text.hpp"
#include "replication/mapping/explain_read.hpp"
#include "replication/mapping/queries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

using level = observe::log_level;

constexpr std::chrono::milliseconds first_pause{250};

/// A watch that was open this long counts as a success.
constexpr std::chrono::seconds stable_after{30};

/// If there are several feeds, each gets a share of the memory for logs, and a window to match.
net::channel_options watch_connection(std::size_t log_limit) {
    const auto window = static_cast<std::uint32_t>(std::clamp<std::size_t>(log_limit / 4, 64U << 10, 1U << 20));
    net::channel_options options;
    options.http2.stream_window = window;
    options.http2.connection_window = 2 * window;
    return options;
}

std::string_view what_is_wrong(bool refused, bool begins) {
    if (refused) return begins ? "refuses us" : "still refuses us";
    return begins ? "is not reachable" : "is still not reachable";
}

/// E's events are compacted, or this user may no longer read them.
bool is_unreadable(etcd::error_class cls) {
    return cls == etcd::error_class::compacted || cls == etcd::error_class::denied;
}

bool is_refusal(etcd::error_class cls) {
    return cls == etcd::error_class::denied || cls == etcd::error_class::reauthenticate;
}

}  // namespace

feed::feed(const context& with, etcd::cluster& master, keys::key_range cover, revision_assembler::selector selects,
           std::size_t log_limit, std::string configured_endpoints, std::string rule)
    : context_(&with), master_(&master),
      selected_(std::make_shared<const selection>(selection{std::move(cover), std::move(selects)})),
      rule_(std::move(rule)), log_(log_limit), pauses_(first_pause, with.probe_interval),
      violation_pauses_(first_pause, with.probe_interval) {
    status_.endpoint = std::move(configured_endpoints);
    status_.since = with.clock.now();
    master_->set_health_probe(health_probe_query(selected_->cover));
    failback_ = master_->enable_failback([this] { fail_back(); });
}

void feed::fail_back() {
    better_endpoint_ = true;
    if (current_watch_ != nullptr) current_watch_->cancel();
}

void feed::select(keys::key_range cover, revision_assembler::selector selects) {
    selected_ = std::make_shared<const selection>(selection{std::move(cover), std::move(selects)});
    selected_since_ = {log_.generation(), log_.position()};
    selection_changed_ = true;
    master_->set_health_probe(health_probe_query(selected_->cover));
    if (current_watch_ != nullptr) current_watch_->cancel();
}

aio::awaitable<> feed::run() {
    for (;;) {
        const etcd::error why = co_await follow();
        if (selection_changed_ && why.cls == etcd::error_class::cancelled) continue;
        if (std::exchange(better_endpoint_, false) && why.cls == etcd::error_class::cancelled) {
            log_line(level::info, "failed back to a preferred endpoint of the master",
                     {{"endpoint", master_->preferred().url}});
            continue;
        }
        const bool lost = why.cls == etcd::error_class::compacted || why.cls == etcd::error_class::other_history;
        // Logged once until the master has delivered something else.
        const bool news = lost && std::exchange(progressed_, false);
        if (lost) history_lost_ = true;
        if (news) {
            log_line(level::warn,
                     why.cls == etcd::error_class::compacted ? "the master compacted revisions we had not seen"
                                                             : "master history has diverged",
                     {{"cause", why.text}});
        }
        if (why.cls == etcd::error_class::watch_violation) {
            // Earlier events may have been wrong, too, so every link compares.
            ++status_.violations;
            log_line(level::warn, "watch protocol violation; comparing every slave",
                     {{"cause", why.text}, {"times", status_.violations}});
        }
        auto pause = pauses_.next(context_->random);
        if (why.cls == etcd::error_class::watch_violation)
            pause = std::max(pause, violation_pauses_.next(context_->random));
        if (news) {
            mark_disconnected();
        } else {
            report_down(why, pause);
        }
        co_await aio::sleep(context_->clock, pause);
    }
}

aio::awaitable<etcd::error> feed::follow() {
    const net::channel_options options = watch_connection(log_.limit());
    auto channel = co_await master_->connect(options);
    if (!channel) co_return channel.error();
    const std::shared_ptr<net::channel> on = *channel;
    selection_changed_ = false;
    better_endpoint_ = false;  // connect() has considered all that was found before
    auto failed = co_await probe(on);
    if (failed) {
        master_->avoid(on->peer());
        co_return std::move(*failed);
    }
    replay::start from;
    from.known = log_.position();
    if (log_.last_event() > 0 && proof_selection_ != selected_) {
        // The digest may come from keys that are no longer selected. First prove this master by the
        // previous selection.
        failed = co_await prove_last_event(on);
        if (failed) co_return std::move(*failed);
    } else {
        from.last_event = log_.last_event();
        from.event_digest = log_.last_event_digest();
    }
    auto end = co_await read_from(on, from);
    if (end.cls == etcd::error_class::compacted && from.last_event > 0 && log_.position() == from.known) {
        from.last_event = 0;  // E is compacted, but the revisions after the position may still exist
        ++unproven_;
        end = co_await read_from(on, from);
    }
    // Either the member said that it cannot serve, or the connection broke. A member that hangs
    // still accepts connections, so avoid both.
    if (end.cls == etcd::error_class::retry || !on->usable()) master_->avoid(on->peer());
    co_return end;
}

aio::awaitable<std::optional<etcd::error>> feed::prove_last_event(std::shared_ptr<net::channel> on) {
    const std::shared_ptr<const selection> before = proof_selection_;
    replay::start from;
    from.known = log_.position();
    from.last_event = log_.last_event();
    from.event_digest = log_.last_event_digest();
    replay source(on, *context_, master_->request_timeout(), before->cover, from, before->selects, log_.limit(), true);
    const base::scoped_pointer<replay> now(current_watch_, source);
    std::deque<log_entry> known;
    while (!source.proved()) {
        if (auto end = reopen_reason()) co_return std::move(*end);
        const auto read = co_await source.read(known);
        if (!read && is_unreadable(read.error().cls)) {
            ++unproven_;
            co_return std::nullopt;
        }
        if (!read) co_return read.error();
    }
    co_return std::nullopt;
}

std::optional<etcd::error> feed::reopen_reason() const {
    if (selection_changed_) return etcd::error(etcd::error_class::cancelled, "the rules changed");
    if (better_endpoint_) return etcd::error(etcd::error_class::cancelled, "a preferred endpoint is available");
    return std::nullopt;
}

aio::awaitable<etcd::error> feed::read_from(std::shared_ptr<net::channel> on, replay::start from) {
    const std::shared_ptr<const selection> selected = selected_;
    replay source(on, *context_, master_->request_timeout(), selected->cover, from, selected->selects, log_.limit(),
                  true);
    const base::scoped_pointer<replay> now(current_watch_, source);
    const auto opened = context_->clock.now();
    std::deque<log_entry> entries;
    if (auto end = reopen_reason()) co_return std::move(*end);
    for (;;) {
        auto read = co_await source.read(entries);
        if (!read) co_return read.error();
        // Entries of the previous selection may lack keys that the log must contain from now on.
        if (selection_changed_) co_return *reopen_reason();
        if (!status_.connected) report_up(on->peer());
        status_.endpoint = on->peer().url;
        if (source.position() > from.known || context_->clock.now() - opened > stable_after) {
            pauses_.reset();
            progressed_ = true;
        }
        if (context_->clock.now() - opened > stable_after) violation_pauses_.reset();
        for (log_entry& entry : entries) {
            if (entry.more_follows || entry.is_tail) {
                log_.pass_over(entry);
                continue;
            }
            if (!entry.mass_delete) proof_selection_ = selected;
            std::string digest = digest_of_events(entry, selected->selects);
            log_.append(std::move(entry), std::move(digest));
        }
        entries.clear();
        log_.advance_position(source.position());
        warn_of_unmatched(source.events());
        changed();
    }
}

aio::awaitable<std::optional<etcd::error>> feed::probe(const std::shared_ptr<net::channel>& channel) {
    etcd::kv kv(channel, context_->clock, master_->request_timeout());
    const etcd::range_query query = probe_query(selected_->cover);
    const auto page = co_await kv.range(query);
    if (!page) co_return page.error();
    continue_or_restart_log(page->header);
    co_return std::nullopt;
}

void feed::continue_or_restart_log(const etcd::response_header& header) {
    const bool other_cluster = log_.started() && header.cluster_id != cluster_id_;
    const bool rewound = log_.started() && header.store_revision < log_.position();
    if (other_cluster || rewound) {
        log_line(level::warn, other_cluster ? "the master is another cluster now" : "master revision went backwards",
                 {{"known", log_.position()}, {"revision", header.store_revision}});
    }
    cluster_id_ = header.cluster_id;
    raft_term_ = header.raft_term;
    // Without a revision whose events can be replayed, nothing proves that this is the known
    // history: each link proves its own.
    const bool unproven = log_.started() && log_.last_event() == 0;
    if (log_.started() && !history_lost_ && !other_cluster && !rewound && !unproven) return;
    log_.restart(header.store_revision);
    history_lost_ = false;
    changed();
}

void feed::report_up(const net::endpoint& peer) {
    status_.since = context_->clock.now();
    log_line(level::info, "connected to the master", {{"endpoint", peer.url}, {"revision", log_.position()}});
    status_.connected = true;
    status_.endpoint = peer.url;
    status_.cause.clear();
    changed();
}

/// Marks the master as not connected, without a log line. Until the next watch is open, the log
/// must not count as complete.
void feed::mark_disconnected() {
    status_.connected = false;
    status_.since = context_->clock.now();
    status_.cause.clear();
    changed();
}

void feed::log_line(observe::log_level level, std::string_view message,
                    std::initializer_list<observe::log_field> fields) const {
    if (!context_->log.wants(level)) return;
    std::vector<observe::log_field> all;
    if (!rule_.empty()) all.emplace_back("rule", base::printable(rule_));
    all.insert(all.end(), fields.begin(), fields.end());
    context_->log.log(level, message, all);
}

void feed::report_down(const etcd::error& why, std::chrono::milliseconds pause) {
    const bool was_refused = std::exchange(refused_, is_refusal(why.cls));
    const auto now = context_->clock.now();
    const bool begins = status_.connected || status_.cause.empty() || was_refused != refused_;
    status_.cause = explain_read(why, selected_->cover, !rule_.empty());
    status_.failure = why.cls;
    if (begins) {
        outage_.begin(status_.cause);
        status_.since = now;
    }
    if (begins || outage_.should_log(status_.cause, now)) {
        const std::string message =
            fmt::format("the master {}{}", what_is_wrong(refused_, begins), context_->once ? "" : "; retrying");
        log_line(level::warn, message, {{"cause", status_.cause}, {"retry_in", pause}});
    } else {
        log_line(level::debug, "retry failed", {{"endpoint", status_.endpoint}, {"cause", status_.cause}});
    }
    status_.connected = false;
    changed();
}

void feed::warn_of_unmatched(const revision_assembler& events) {
    constexpr std::uint64_t enough_events = 10'000;
    if (warned_of_unmatched_ || events.events_seen() < enough_events ||
        events.events_dropped() * 10 < events.events_seen() * 9)
        return;
    warned_of_unmatched_ = true;
    log_line(level::warn, "90% of the watched events match no rule",
             {{"seen", events.events_seen()}, {"dropped", events.events_dropped()}});
}

master_status feed::current() const {
    master_status out = status_;
    out.known = log_.position();
    out.cluster_id = cluster_id_;
    return out;
}

}  // namespace etcdsync::replication
