// SPDX-License-Identifier: Apache-2.0
#include "replication/link/link.hpp"

#include "base/scoped_pointer.hpp"
#include "replication/link/pass_position.hpp"
#include "replication/link/slave_work.hpp"
#include "replication/mapping/queries.hpp"

#include <utility>

namespace etcdsync::replication {
namespace {

/// Between attempts on one connection.
constexpr std::chrono::milliseconds round_pause{250};

}  // namespace

link::link(const context& with, link_settings settings, mapping keys, etcd::cluster slave, etcd::cluster master,
           feed& source, work_permits& allowed, leader* led_by)
    : settings_(std::move(settings)), limits_(settings_.limits), pages_(settings_.page_bytes), keys_(std::move(keys)),
      slave_(std::move(slave)), master_(std::move(master)),
      report_(with, settings_.slave, settings_.rule, settings_.endpoints),
      wake_(with.tasks.executor()), parts_{with,
                                           keys_,
                                           master_,
                                           source,
                                           allowed.full_sync,
                                           allowed.catch_up,
                                           report_,
                                           limits_,
                                           settings_.page_bytes,
                                           pages_,
                                           wake_,
                                           control_,
                                           better_endpoint_,
                                           settings_.once,
                                           guards_,
                                           compared_,
                                           settings_.log_since},
      start_(parts_, settings_), waits_(parts_, control_), database_(with, report_), leader_(led_by),
      answered_violations_(source.current().violations) {
    subscriptions_.push_back(source.on_change([this] { note_source(); }));
    for (permits* const each : {&allowed.full_sync, &allowed.catch_up})
        subscriptions_.push_back(each->on_free([this] { wake_.notify(); }));
    etcd::range_query probe;
    probe.key = settings_.checkpoint.position;
    slave_.set_health_probe(std::move(probe));
    master_.set_health_probe(health_probe_query(keys_.cover()));
    subscriptions_.push_back(slave_.enable_failback([this] {
        better_endpoint_ = true;
        wake_.notify();
    }));
    if (leader_ != nullptr) join_leader();
}

void link::join_leader() {
    led_link own;
    own.is_connected = [this] { return reached_; };
    own.is_paused = [this] { return control_.paused(); };
    own.is_held = [this] { return control_.waits_for_operator(); };
    own.sees_master = [this] { return is_ready(parts_.source); };
    own.cluster_id = [this] { return parts_.source.cluster_id(); };
    leader_->add(std::move(own));
    source_ready_ = is_ready(parts_.source);
    control_.lead(false, false);
    subscriptions_.push_back(leader_->on_change([this] {
        const standing& now = leader_->state().now();
        control_.lead(now.leads, now.leads && !now.without_key);
        wake_.notify();
    }));
}

void link::note_source() {
    const bool ready = is_ready(parts_.source);
    if (leader_ != nullptr && std::exchange(source_ready_, ready) != ready) leader_->attend();
    wake_.notify();
}

void link::stop() {
    control_.stop();
    wake_.notify();
}

void link::pause() {
    control_.pause();
    if (leader_ != nullptr) leader_->attend();
    wake_.notify();
}

void link::resume() {
    control_.resume();
    if (leader_ != nullptr) leader_->attend();
    wake_.notify();
}

void link::resync() {
    control_.resync();
    wake_.notify();
}

bool link::approve(bool foreign) {
    const bool held = current().state == link_state::held;
    const bool done = held ? control_.approve(foreign) : foreign && control_.adopt_foreign_keys();
    if (done) wake_.notify();
    return done;
}

aio::awaitable<> link::run() {
    while (!control_.stopping()) {
        control_.begin_round();
        if (control_.paused()) {
            co_await waits_.paused();
            continue;
        }
        step_result end = co_await serve();
        reached_ = false;
        if (end.reason == end_reason::slave_failed && control_.may_work())
            end = co_await waits_.after_slave_failure(end.error);
        if (end.reason == end_reason::finished) {
            report_.status().finished = true;
            co_return;
        }
    }
    report_.enter(link_state::stopped);
}

aio::awaitable<step_result> link::serve() {
    const net::channel_options options = slave_connection();
    const auto connected = co_await slave_.connect(options);
    if (!connected) co_return step_result(end_reason::slave_failed, connected.error());
    const std::shared_ptr<net::channel> channel = *connected;
    better_endpoint_ = false;
    const aio::subscription on_broken = channel->on_broken([this] { wake_.notify(); });
    const etcd::kv kv(channel, parts_.with.clock, slave_.request_timeout());
    slave_writer slave(kv, parts_.with, settings_.checkpoint, *settings_.records);
    const base::scoped_pointer<slave_writer> while_connected(writer_, slave);
    for (unsigned rounds = 0;; ++rounds) {
        // If another process keeps writing the checkpoint, this is no race.
        if (rounds > 1) co_await waits_.wait(round_pause);
        control_.begin_round();
        if (!control_.may_work()) {
            channel->close();
            co_return end_reason::restart;
        }
        step_result end = co_await start(slave);
        if (end.reason == end_reason::done) end = co_await work(slave);
        end = co_await end_work(slave, std::move(end));
        if (slave.last_written() > 0) start_.note_written(slave.last_written());
        const bool again = end.reason == end_reason::restart || end.reason == end_reason::contested;
        if (again && control_.may_work()) continue;
        if (end.reason == end_reason::slave_failed) slave_.avoid(channel->peer());
        if (end.reason == end_reason::better_endpoint) {
            report_.log(observe::log_level::info, "failed back to a preferred endpoint",
                        {{"endpoint", slave_.preferred().url}});
        }
        const bool ends = settings_.once || control_.stopping();
        if (ends && end.reason != end_reason::slave_failed) co_await release_checkpoint(slave);
        channel->close();
        co_return end;
    }
}

aio::awaitable<step_result> link::start(slave_writer& slave) {
    if (leader_ != nullptr) {
        if (!reached_) {
            const auto answered = co_await slave.read();
            if (!answered) co_return step_result(end_reason::slave_failed, answered.error());
            reached_ = true;
        }
        auto led = co_await waits_.for_leadership(*leader_, slave);
        if (led.reason != end_reason::done) co_return led;
        if (std::exchange(term_, leader_->state().terms()) != leader_->state().terms()) start_.begin_term();
    }
    auto end = co_await start_.read_slave(slave);
    if (end.reason != end_reason::done) co_return end;
    if (!is_ready(parts_.source)) co_return co_await waits_.for_master(slave);
    guards_ = control_.guards(settings_.guards);
    if (settings_.once) guards_.for_one_sync = false;  // the job ends with it anyway
    co_return co_await start_.decide(slave, guards_);
}

aio::awaitable<step_result> link::work(slave_writer& slave) {
    slave_work moves(parts_, slave, start_.plan());
    auto end = co_await moves.claim();
    start_.note_contested(end.reason == end_reason::contested);
    if (end.reason != end_reason::done) co_return end;
    end = co_await start_.confirm(slave);
    if (end.reason != end_reason::done) co_return end;
    waits_.note_begun();
    if (settings_.is_first_of_slave()) database_.use(slave.kv().channel());
    // The continuity of the session: the feed may have gone to another master since the plan was made.
    if (start_.plan().proven) start_.trust(moves.continuity());
    const unsigned resync = control_.wanted_resync();
    const std::uint64_t violations_so_far = violations();
    const std::uint64_t claimed = slave.last_written();
    if (violations_so_far != answered_violations_) {
        end = co_await moves.begin_full_sync("watch protocol violation by the master");
    } else if (resync != 0) {
        end = co_await moves.begin_full_sync("requested by the operator");
    }
    if (end.reason == end_reason::done) end = co_await moves.run();
    // However it came about: the slave follows the history this feed reads.
    if (moves.has_followed()) {
        start_.trust(moves.continuity());
        start_.note_done();
        control_.note_following();
    }
    if (moves.made_progress()) waits_.note_progress();
    // Only what the checkpoint shows survives the loss of the slave.
    const bool recorded = moves.has_followed() || end.reason == end_reason::approval_used ||
                          (slave.last_written() > claimed && in_full_sync(slave.record()));
    if (recorded) {
        answered_violations_ = violations_so_far;
        if (resync != 0) control_.note_recorded(resync);
    }
    co_return end;
}

aio::awaitable<step_result> link::end_work(slave_writer& slave, step_result end) {
    const bool needs_operator = end.reason == end_reason::held || end.reason == end_reason::other_master ||
                                end.reason == end_reason::blocked_by_guard;
    if (needs_operator && (!control_.may_write() || lift_hold(end))) co_return end_reason::restart;
    switch (end.reason) {
        case end_reason::held: co_return co_await waits_.hold(hold_kind::conflict, end.error.text);
        case end_reason::other_master: co_return co_await waits_.hold(hold_kind::other_master, end.error.text);
        case end_reason::blocked_by_guard: co_return co_await waits_.for_approval(slave, end.error.text);
        case end_reason::master_away: co_return co_await waits_.after_master_failure(end.error);
        case end_reason::approval_used:
            start_.note_done();
            control_.end_approval();
            co_return end_reason::restart;
        case end_reason::watch_violated: note_violation(end.error.text); co_return end_reason::restart;
        default: co_return end;
    }
}

void link::note_violation(const std::string& cause) {
    ++own_violations_;
    report_.log(observe::log_level::warn, "watch protocol violation; comparing this slave", {{"cause", cause}});
}

/// A one-shot job with `approve` approves what holds the link: only now it is known that something does, and what.
bool link::lift_hold(const step_result& by) {
    link_status& status = report_.status();
    if (!settings_.approve || by.reason == end_reason::held || !status.approved.empty()) return false;
    control_.note_held(by.reason == end_reason::other_master ? hold_kind::other_master : hold_kind::guard);
    if (!control_.approve(settings_.approve_foreign)) return false;
    status.approved = by.error.text;
    report_.log(observe::log_level::info, "approved what held the slave", {{"cause", by.error.text}});
    return true;
}

aio::awaitable<> link::release_checkpoint(slave_writer& slave) {
    // However the work ends: another daemon must not take this process for one at work.
    if (!slave.is_ours()) co_return;
    checkpoint released = slave.record();
    released.writer.clear();
    const batch nothing(limits_.now());
    // If this fails, another process wrote there, or the checkpoint is found as that of a dead process.
    static_cast<void>(co_await slave.commit(nothing, std::move(released), limits_.now()));
}

}  // namespace etcdsync::replication
