// SPDX-License-Identifier: Apache-2.0
#include "replication/link/link.hpp"

#include "base/scoped_pointer.hpp"
#include "replication/link/slave_work.hpp"
#include "replication/mapping/queries.hpp"

#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::chrono::milliseconds first_pause{250};

/// Retrying sooner than the probe interval does not help.
bool needs_operator(etcd::error_class cls) {
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

bool is_ready(const feed& master) { return master.recent().started() && master.connected(); }

/// The error if the master refuses this user.
std::optional<etcd::error> refusal(const master_status& now) {
    const bool refused = now.failure == etcd::error_class::denied || now.failure == etcd::error_class::reauthenticate;
    if (now.connected || now.cause.empty() || !refused) return std::nullopt;
    return etcd::error(now.failure, now.cause);
}

}  // namespace

link::link(const context& with, link_settings settings, mapping keys, etcd::cluster slave, etcd::cluster master,
           feed& source, permits& full_sync_permits)
    : settings_(std::move(settings)), keys_(std::move(keys)), slave_(std::move(slave)), master_(std::move(master)),
      report_(with, settings_.slave, settings_.rule, settings_.endpoints),
      wake_(with.tasks.executor()), parts_{with,
                                           keys_,
                                           master_,
                                           source,
                                           full_sync_permits,
                                           report_,
                                           settings_.limits,
                                           settings_.page_bytes,
                                           wake_,
                                           stopping_,
                                           better_endpoint_,
                                           settings_.once,
                                           guards_,
                                           settings_.log_since},
      start_(parts_, settings_), slave_pauses_(first_pause, with.probe_interval),
      master_pauses_(first_pause, with.probe_interval) {
    subscriptions_.push_back(source.on_change([this] { wake_.notify(); }));
    subscriptions_.push_back(full_sync_permits.on_free([this] { wake_.notify(); }));
    etcd::range_query probe;
    probe.key = settings_.checkpoint_key;
    slave_.set_health_probe(std::move(probe));
    master_.set_health_probe(health_probe_query(keys_.cover()));
    subscriptions_.push_back(slave_.enable_failback([this] {
        better_endpoint_ = true;
        wake_.notify();
    }));
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
        const auto how_long = report_failure(end.error);
        if (gives_up()) {
            report_.status().finished = true;
            co_return;
        }
        co_await pause(how_long);
    }
    report_.enter(link_state::stopped);
}

std::chrono::milliseconds link::report_failure(const etcd::error& why) {
    auto how_long = slave_pauses_.next(parts_.with.random);
    report_.status().failure = why.cls;
    if (needs_operator(why.cls)) {
        how_long = parts_.with.probe_interval;
        report_.parked(why.text, how_long);
    } else {
        report_.disconnected(why.text, how_long);
    }
    return how_long;
}

bool link::gives_up() {
    constexpr unsigned tries_once_begun = 5;
    if (!settings_.once) return false;
    ++failures_;
    return !begun_ || failures_ >= tries_once_begun;
}

aio::awaitable<> link::pause(std::chrono::milliseconds how_long) {
    aio::clock& clock = parts_.with.clock;
    const auto until = clock.now() + how_long;
    while (!stopping_ && clock.now() < until) co_await aio::wait_until(wake_, clock, until);
}

aio::awaitable<step_result> link::serve() {
    const net::channel_options options = slave_connection();
    const auto connected = co_await slave_.connect(options);
    if (!connected) co_return step_result(end_reason::slave_failed, connected.error());
    const std::shared_ptr<net::channel> channel = *connected;
    better_endpoint_ = false;
    const aio::subscription on_broken = channel->on_broken([this] { wake_.notify(); });
    const etcd::kv kv(channel, parts_.with.clock, slave_.request_timeout());
    slave_writer slave(kv, parts_.with, settings_.checkpoint_key, *settings_.records);
    const base::scoped_pointer<slave_writer> while_connected(writer_, slave);
    for (unsigned rounds = 0;; ++rounds) {
        // If another process keeps writing the checkpoint, this is no race.
        if (rounds > 1) co_await pause(first_pause);
        step_result end = co_await start(slave);
        if (end.reason == end_reason::done) end = co_await work(slave);
        end = co_await end_work(slave, std::move(end));
        if (slave.last_written() > 0) start_.note_written(slave.last_written());
        if (end.reason == end_reason::restart && !stopping_) continue;
        if (end.reason == end_reason::slave_failed) slave_.avoid(channel->peer());
        if (end.reason == end_reason::better_endpoint) {
            report_.log(observe::log_level::info, "failed back to a preferred endpoint",
                        {{"endpoint", slave_.preferred().url}});
        }
        if (settings_.once && end.reason != end_reason::slave_failed) co_await release_checkpoint(slave);
        channel->close();
        co_return end;
    }
}

aio::awaitable<step_result> link::start(slave_writer& slave) {
    auto end = co_await start_.read_slave(slave);
    if (end.reason != end_reason::done) co_return end;
    if (!is_ready(parts_.source)) co_return co_await wait_for_master(slave);
    guards_ = settings_.guards;
    co_return co_await start_.decide(slave, guards_);
}

aio::awaitable<step_result> link::work(slave_writer& slave) {
    slave_work moves(parts_, slave, start_.plan());
    auto end = co_await moves.claim();
    start_.note_contested(end.reason == end_reason::restart);
    if (end.reason != end_reason::done) co_return end;
    end = co_await start_.confirm(slave);
    if (end.reason != end_reason::done) co_return end;
    begun_ = true;
    if (start_.plan().proven) start_.trust(parts_.source.continuity());
    if (std::exchange(seen_violations_, parts_.source.violations()) != parts_.source.violations())
        end = co_await moves.begin_full_sync("watch protocol violation by the master");
    if (end.reason == end_reason::done) end = co_await moves.run();
    // However it came about: the slave follows the history this feed reads.
    if (moves.has_followed()) start_.trust(moves.continuity());
    if (moves.made_progress()) {
        failures_ = 0;
        slave_pauses_.reset();
        master_pauses_.reset();
    }
    co_return end;
}

aio::awaitable<step_result> link::end_work(slave_writer& slave, step_result end) {
    switch (end.reason) {
        case end_reason::held: co_return co_await hold(end.error.text);
        case end_reason::blocked_by_guard: co_return co_await wait_for_approval(slave, end.error.text);
        case end_reason::master_away: co_return co_await master_failed(end.error);
        default: co_return end;
    }
}

aio::awaitable<step_result> link::wait_for_master(const slave_writer& slave) {
    // No call to the slave is open meanwhile, so it is asked from time to time whether it is still there.
    aio::clock& clock = parts_.with.clock;
    const auto look_again = clock.now() + parts_.with.probe_interval;
    const auto refused = [this] {
        return settings_.once ? refusal(parts_.source.current()) : std::optional<etcd::error>();
    };
    while (!stopping_ && !is_ready(parts_.source) && !refused() && slave.usable() && clock.now() < look_again) {
        report_.wait("waiting for the master");
        co_await aio::wait_until(wake_, clock, look_again);
    }
    if (stopping_) co_return end_reason::stopped;
    // A daemon waits until an operator fixes it; a one-shot job ends.
    auto why = refused();
    if (why) co_return step_result(end_reason::master_away, std::move(*why));
    // Meanwhile others may have written on the slave: what was read from it is out of date.
    co_return end_reason::restart;
}

aio::awaitable<step_result> link::master_failed(etcd::error why) {
    const auto how_long = master_pauses_.next(parts_.with.random);
    report_.status().failure = why.cls;
    report_.enter(link_state::connecting,
                  (needs_operator(why.cls) ? "the master refuses us: " : "master: ") + why.text);
    if (gives_up()) co_return end_reason::finished;
    co_await pause(how_long);
    co_return end_reason::restart;
}

aio::awaitable<step_result> link::hold(std::string why) {
    report_.enter(link_state::held, why);
    if (settings_.once) co_return end_reason::finished;
    co_await pause(parts_.with.probe_interval);
    co_return end_reason::restart;
}

aio::awaitable<step_result> link::wait_for_approval(slave_writer& slave, std::string why) {
    report_.enter(link_state::held, why + ". Look: etcd-sync sync --dry-run; allow it: etcd-sync sync --approve");
    if (settings_.once) co_return end_reason::finished;
    // Counting again means reading everything: only when something suggests another result, or after a while.
    aio::clock& clock = parts_.with.clock;
    const std::uint64_t generation = parts_.source.recent().generation();
    const auto again = clock.now() + refresh_interval;
    while (!stopping_ && clock.now() < again && parts_.source.recent().generation() == generation) {
        co_await pause(parts_.with.probe_interval);
        if (stopping_) break;
        const auto same = co_await slave.checkpoint_unchanged();
        if (!same) co_return step_result(end_reason::slave_failed, same.error());
        if (!*same) break;
    }
    co_return stopping_ ? end_reason::stopped : end_reason::restart;
}

aio::awaitable<> link::release_checkpoint(slave_writer& slave) {
    // However a one-shot job ends: a daemon that was held meanwhile must not take it for another process at work.
    if (!slave.is_ours()) co_return;
    checkpoint released = slave.record();
    released.writer.clear();
    const batch nothing(settings_.limits);
    // If this fails, another process wrote there, or the checkpoint is found as that of a dead process.
    static_cast<void>(co_await slave.commit(nothing, std::move(released), settings_.limits.max_ops));
}

}  // namespace etcdsync::replication
