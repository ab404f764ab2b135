// SPDX-License-Identifier: Apache-2.0
#include "replication/link/link.hpp"

#include "base/escape.hpp"
#include "base/scoped_pointer.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/record/migration.hpp"

#include <fmt/format.h>

#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::chrono::milliseconds first_pause{250};

/// Knocking sooner does not help.
bool needs_a_person(etcd::error_class cls) {
    switch (cls) {
        case etcd::error_class::denied:
        case etcd::error_class::no_space:
        case etcd::error_class::bad_request:
        case etcd::error_class::too_many_ops:
        case etcd::error_class::no_nesting:
        case etcd::error_class::too_large:
        case etcd::error_class::unsupported: return true;
        default: return false;
    }
}

constexpr std::string_view slave_is_master =
    "the endpoints of this slave lead to the master itself: correct them. All that was written is our record of it";

/// A record of ours that says the slave was equal to the master at some revision.
bool has_history(const checkpoint& record, std::string_view instance) {
    return record.instance == instance && record.rev > 0;
}

}  // namespace

net::channel_options slave_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 2U << 20;
    return options;
}

link::link(const context& with, link_settings settings, mapping keys, etcd::cluster slave, etcd::cluster master,
           feed& source, permits& free)
    : context_(&with), settings_(std::move(settings)), keys_(std::move(keys)), slave_(std::move(slave)),
      master_(std::move(master)), source_(&source), full_sync_permits_(&free),
      report_(with, link_name(settings_.slave, settings_.rule), settings_.endpoints),
      pauses_(first_pause, with.probe_interval), master_pauses_(first_pause, with.probe_interval),
      wake_(with.tasks.executor()) {
    report_.status().slave = settings_.slave;
    report_.status().rule = settings_.rule;
    source.on_change([this] { wake_.notify(); });
    free.on_free([this] { wake_.notify(); });
    etcd::range_query probe;
    probe.key = settings_.checkpoint_key;
    slave_.set_health_probe(std::move(probe));
    master_.set_health_probe(fitness_query(keys_.cover()));
    slave_.enable_failback([this] {
        better_endpoint_ = true;
        wake_.notify();
    });
}

void link::stop() {
    stopping_ = true;
    wake_.notify();
}

aio::awaitable<> link::run() {
    while (!stopping_) {
        const step_result end = co_await serve();
        if (end.reason == end_reason::finished) {
            report_.status().finished = true;
            co_return;
        }
        if (end.reason != end_reason::slave_failed || stopping_) continue;
        auto how_long = pauses_.next(context_->random);
        report_.status().failure = end.error.cls;
        if (needs_a_person(end.error.cls)) {
            how_long = context_->probe_interval;
            report_.parked(end.error.text, how_long);
        } else {
            report_.disconnected(end.error.text, how_long);
        }
        if (gives_up()) {
            report_.status().finished = true;
            co_return;
        }
        co_await pause(how_long);
    }
    report_.enter(link_state::stopped);
}

bool link::gives_up() {
    constexpr unsigned tries_once_begun = 5;
    if (!settings_.once) return false;
    ++failures_;
    return !begun_ || failures_ >= tries_once_begun;
}

aio::awaitable<> link::pause(std::chrono::milliseconds how_long) {
    const auto until = context_->clock.now() + how_long;
    while (!stopping_ && context_->clock.now() < until) co_await aio::wait_until(wake_, context_->clock, until);
}

aio::awaitable<> link::wait_for_master(const slave_writer& slave) {
    // No call to the slave is open meanwhile: now and then it has to be asked whether it is still there.
    const auto look_again = context_->clock.now() + context_->probe_interval;
    while (!stopping_ && !master_ready() && !refused_by_master() && slave.usable() &&
           context_->clock.now() < look_again) {
        report_.wait("waiting for the master");
        co_await aio::wait_until(wake_, context_->clock, look_again);
    }
}

aio::awaitable<step_result> link::master_failed(etcd::error why) {
    const auto how_long = master_pauses_.next(context_->random);
    report_.status().failure = why.cls;
    report_.enter(link_state::connecting,
                  (needs_a_person(why.cls) ? "the master refuses us: " : "master: ") + why.text);
    if (gives_up()) co_return end_reason::finished;
    co_await pause(how_long);
    co_return end_reason::restart;
}

std::optional<etcd::error> link::refused_by_master() const {
    // A daemon waits for a person to put it right.
    const master_status now = source_->current();
    const bool refused = now.failure == etcd::error_class::denied || now.failure == etcd::error_class::reauthenticate;
    if (!settings_.once || now.connected || now.cause.empty() || !refused) return std::nullopt;
    return etcd::error(now.failure, now.cause);
}

bool link::master_ready() const { return source_->recent().started() && source_->connected(); }

bool link::rival_at_work(const checkpoint& stored) {
    if (!is_rival(stored, context_->writer, last_seq_)) return false;
    const auto now = context_->clock.now();
    if (stored.writer != rival_.writer || stored.seq != rival_.seq) rival_ = {stored.writer, stored.seq, now};
    // One that is silent for longer than a living one's refresh of the record may be dead: then the slave is ours again. Should it
    // live, it is held in its turn.
    return now - rival_.last_sign < refresh_interval + std::chrono::minutes(1);
}

aio::awaitable<step_result> link::hold(std::string why) {
    report_.enter(link_state::held, why);
    if (settings_.once) co_return end_reason::finished;
    co_await pause(context_->probe_interval);
    co_return end_reason::restart;
}

aio::awaitable<step_result> link::wait_for_a_person(slave_writer& slave, std::string why) {
    report_.enter(link_state::held, why + ". Look: etcd-sync sync --dry-run; allow it: etcd-sync sync --approve");
    if (settings_.once) co_return end_reason::finished;
    // To count again costs reading everything: done when something tells that it may come out otherwise, or after a while.
    const std::uint64_t generation = source_->recent().generation();
    const auto again = context_->clock.now() + refresh_interval;
    while (!stopping_ && context_->clock.now() < again && source_->recent().generation() == generation) {
        co_await pause(context_->probe_interval);
        if (stopping_) break;
        const auto same = co_await slave.undisturbed();
        if (!same) co_return step_result(end_reason::slave_failed, same.error());
        if (!*same) break;
    }
    co_return stopping_ ? end_reason::stopped : end_reason::restart;
}

aio::awaitable<etcd::result<proof>> link::prove(checkpoint record) {
    const net::channel_options options = slave_connection();
    const auto channel = co_await master_.connect(options);
    if (!channel) co_return channel.error();
    // What was taken over from the other mode of consistency is proved by the keys it was about, if we may read them.
    const mapping& about = settings_.records->keys_of(record.rules, keys_);
    auto proved = co_await prove_history(*channel, *context_, master_.request_timeout(), about, record);
    if (!proved && proved.error().cls == etcd::error_class::denied && &about != &keys_)
        proved = co_await prove_history(*channel, *context_, master_.request_timeout(), keys_, record);
    if (!proved) master_.avoid((*channel)->peer());
    co_return proved;
}

aio::awaitable<step_result> link::serve() {
    const net::channel_options options = slave_connection();
    const auto channel = co_await slave_.connect(options);
    if (!channel) co_return step_result(end_reason::slave_failed, channel.error());
    const std::shared_ptr<net::channel> on = *channel;
    better_endpoint_ = false;
    on->on_broken([this] { wake_.notify(); });
    const etcd::kv kv(on, context_->clock, slave_.request_timeout());
    slave_writer slave(kv, *context_, settings_.checkpoint_key, *settings_.records);
    const base::scoped_pointer<slave_writer> while_connected(writer_, slave);
    for (unsigned rounds = 0;; ++rounds) {
        if (rounds > 1) co_await pause(first_pause);  // should somebody else keep writing the checkpoint, it is no race
        step_result end = co_await work(slave);
        if (slave.last_written() > 0) last_seq_ = slave.last_written();
        if (end.reason == end_reason::restart && !stopping_) continue;
        if (end.reason == end_reason::slave_failed) slave_.avoid(on->peer());
        if (end.reason == end_reason::better_endpoint)
            context_->log.info(report_.status().name + ": back to an endpoint that comes first",
                               {{"endpoint", slave_.preferred().url}});
        if (settings_.once && end.reason != end_reason::slave_failed) co_await let_go(slave);
        on->close();
        co_return end;
    }
}

aio::awaitable<> link::let_go(slave_writer& slave) {
    // However a job done once ends: a daemon that was held meanwhile must not take this for a rival at work.
    if (!slave.is_ours()) co_return;
    checkpoint nobodys = slave.record();
    nobodys.writer.clear();
    const batch nothing(settings_.limits);
    // Where it does not come about, somebody else wrote there, or the record is found as that of a dead process.
    static_cast<void>(co_await slave.commit(nothing, std::move(nobodys), settings_.limits.max_ops));
}

aio::awaitable<step_result> link::claim_as_it_is(slave_writer& slave, checkpoint record) {
    record.writer = context_->writer;
    const batch nothing(settings_.limits);
    const auto claimed = co_await slave.commit(nothing, std::move(record), settings_.limits.max_ops);
    if (!claimed) co_return step_result(end_reason::slave_failed, claimed.error());
    co_return *claimed ? end_reason::done : end_reason::restart;
}

aio::awaitable<step_result> link::settle_records(slave_writer& slave) {
    const auto found = co_await slave.read_all();
    if (!found && etcd::is_permission_denied(found.error())) {
        // Where it is our own record that may not be read, that is told next.
        slave.ignore_other_mode();
        if (!std::exchange(told_of_blindness_, true)) {
            context_->log.debug(report_.status().name + ": records of another consistency are not looked for",
                                {{"cause", found.error().text}});
        }
        co_return end_reason::done;
    }
    if (!found) co_return step_result(end_reason::slave_failed, found.error());
    const migration plan = plan_migration(*found, *settings_.records, settings_.instance);
    if (plan.steps.empty()) co_return end_reason::done;
    if (rival_at_work(plan.sign)) {
        co_return co_await hold(
            "another etcd-sync with the same instance name, but another consistency or other rules, writes on this "
            "slave: stop one of the two");
    }
    if (stopping_) co_return end_reason::stopped;
    const auto done = co_await slave.migrate(*found, plan, settings_.limits.max_ops);
    const batch none(settings_.limits);
    if (!done && etcd::is_permission_denied(done.error())) {
        co_return step_result(
            end_reason::slave_failed,
            etcd::error(etcd::error_class::denied,
                        fmt::format("{}: to take over the records of another consistency it takes "
                                    "readwrite on all keys that begin with {}, once",
                                    done.error().text, base::printable(settings_.records->all_mode_key()))));
    }
    if (!done && shrink_limits(done.error(), none, settings_.limits)) co_return end_reason::restart;
    if (!done) co_return step_result(end_reason::slave_failed, done.error());
    if (!*done) co_return end_reason::restart;
    context_->log.info(settings_.slave + ": took over the records of another consistency or of former rules",
                       {{"from", plan.gone}});
    co_return end_reason::done;
}

aio::awaitable<step_result> link::work(slave_writer& slave) {
    auto settled = co_await settle_records(slave);
    if (settled.reason != end_reason::done) co_return settled;
    const auto found = co_await slave.read();
    if (!found) co_return step_result(end_reason::slave_failed, found.error());
    if (found->record && *found->record && rival_at_work(**found->record)) {
        co_return co_await hold(
            "another etcd-sync with the same instance name writes on this slave: stop one of the two");
    }
    if (!master_ready()) {
        // Meanwhile others may write on the slave: what was read of it is then out of date.
        co_await wait_for_master(slave);
        auto refused = refused_by_master();
        if (refused && !stopping_) co_return co_await master_failed(std::move(*refused));
        co_return stopping_ ? end_reason::stopped : end_reason::restart;
    }
    if (contested_ && found->record && *found->record) {
        // Somebody writes here faster than the master's history is proved. A claim makes him stop.
        auto end = co_await claim_as_it_is(slave, **found->record);
        if (end.reason != end_reason::done) co_return end;
    }
    same_ids_ = found->cluster_id == source_->cluster_id();
    if (same_ids_ && same_store_) co_return co_await hold(std::string(slave_is_master));
    const std::uint64_t generation = source_->recent().generation();
    start_context now;
    now.instance = settings_.instance;
    now.cluster_id = source_->cluster_id();
    now.raft_term = source_->raft_term();
    now.master_position = source_->recent().position();
    now.slave_revision = found->slave_revision;
    guard_policy guards = settings_.guards;
    if (found->record && *found->record && has_history(**found->record, settings_.instance)) {
        const auto proved = co_await prove(**found->record);
        if (!proved) co_return co_await master_failed(proved.error());
        if (source_->recent().generation() != generation) co_return end_reason::restart;
        if (proved->found == proof::verdict::other) {
            if (guards.safety.on_master_change == config::master_change::hold && !guards.approved) {
                co_return co_await hold(proved->reason +
                                        "; nothing was written. To copy what it has now: etcd-sync sync --approve, or "
                                        "on_master_change = \"resync\"");
            }
            guards.approved = true;  // that is what "resync" means
        }
        // Where the master's state tells nothing: the record is ours, and the feed has not lost sight of the master since.
        const bool continued = (*found->record)->writer == context_->writer && source_->continuity() == trusted_;
        now.proven = proved->found == proof::verdict::same || (continued && proved->found == proof::verdict::unproven);
        now.doubt = proved->reason;
        now.unchanged_until = proved->unchanged_until;
    }
    start_plan plan = plan_start(found->record, keys_, now);
    co_return co_await begin_at(slave, std::move(plan), guards);
}

aio::awaitable<step_result> link::begin_at(slave_writer& slave, start_plan plan, const guard_policy& guards) {
    session work(link_parts{*context_, keys_, master_, *source_, *full_sync_permits_, report_, settings_.limits,
                            settings_.page_bytes, wake_, stopping_, better_endpoint_, settings_.once, guards},
                 slave);
    auto end = co_await work.claim(std::move(plan.record), std::move(plan.reason), plan.proven);
    contested_ = end.reason == end_reason::restart;
    if (end.reason != end_reason::done) co_return end;
    if (same_ids_) {
        const auto same = co_await is_the_master(slave);
        if (!same) co_return co_await master_failed(same.error());
        same_store_ = *same;
    }
    if (same_store_) co_return co_await hold(std::string(slave_is_master));
    begun_ = true;
    if (plan.proven) trusted_ = source_->continuity();
    if (std::exchange(seen_violations_, source_->violations()) != source_->violations())
        end = co_await work.begin_full_sync("the master broke the contract of its watch", plan.proven);
    while (end.reason == end_reason::done) {
        end = co_await move(work);
        // However it came to be: the slave follows the history this feed reads.
        if (!work.in_full_sync() && work.made_progress()) trusted_ = work.continuity();
        if (work.made_progress()) {
            failures_ = 0;
            pauses_.reset();
            master_pauses_.reset();
        }
        if (end.reason == end_reason::behind) end = co_await work.catch_up();
        if (end.reason == end_reason::compare) end = co_await work.outlive_compaction(end.error);
        if (end.reason == end_reason::compare) end = co_await work.begin_full_sync(end.error.text, work.proven());
    }
    if (end.reason == end_reason::master_away) co_return co_await master_failed(end.error);
    if (end.reason == end_reason::blocked_by_guard) co_return co_await wait_for_a_person(slave, end.error.text);
    co_return end;
}

aio::awaitable<step_result> link::move(session& work) {
    if (!work.in_full_sync()) co_return co_await work.follow();
    // Keys below the frontier are at R: when the log no longer reaches back to it they are brought on first.
    if (!work.nothing_below_frontier() && !source_->recent().holds_all_since(work.at())) co_return end_reason::behind;
    co_return co_await work.full_sync();
}

}  // namespace etcdsync::replication
