// SPDX-License-Identifier: Apache-2.0
#include "replication/link/link_waits.hpp"

#include "replication/link/slave_session.hpp"

#include <optional>
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

/// The error if the master refuses this user.
std::optional<etcd::error> refusal(const master_status& now) {
    const bool refused = now.failure == etcd::error_class::denied || now.failure == etcd::error_class::reauthenticate;
    if (now.connected || now.cause.empty() || !refused) return std::nullopt;
    return etcd::error(now.failure, now.cause);
}

}  // namespace

link_waits::link_waits(const link_parts& parts, link_control& control)
    : parts_(parts), control_(control), slave_pauses_(first_pause, parts.with.probe_interval),
      master_pauses_(first_pause, parts.with.probe_interval) {}

void link_waits::note_progress() {
    failures_ = 0;
    slave_pauses_.reset();
    master_pauses_.reset();
}

bool link_waits::gives_up() {
    constexpr unsigned tries_once_begun = 5;
    if (!parts_.once) return false;
    ++failures_;
    return !begun_ || failures_ >= tries_once_begun;
}

aio::awaitable<> link_waits::wait(std::chrono::milliseconds how_long) {
    aio::clock& clock = parts_.with.clock;
    const auto until = clock.now() + how_long;
    while (!control_.has_request() && control_.may_work() && clock.now() < until)
        co_await aio::wait_until(parts_.wake, clock, until);
}

aio::awaitable<> link_waits::paused() {
    while (control_.paused() && !control_.stopping()) {
        parts_.report.enter(link_state::paused);
        co_await parts_.wake.wait();
    }
    if (!control_.stopping()) parts_.report.wait({});
}

aio::awaitable<step_result> link_waits::after_slave_failure(etcd::error why) {
    auto how_long = slave_pauses_.next(parts_.with.random);
    parts_.report.status().failure = why.cls;
    if (needs_operator(why.cls)) {
        how_long = parts_.with.probe_interval;
        parts_.report.parked(why.text, how_long);
    } else {
        parts_.report.disconnected(why.text, how_long);
    }
    if (gives_up()) co_return end_reason::finished;
    co_await wait(how_long);
    co_return end_reason::restart;
}

aio::awaitable<step_result> link_waits::after_master_failure(etcd::error why) {
    const auto how_long = master_pauses_.next(parts_.with.random);
    parts_.report.status().failure = why.cls;
    parts_.report.enter(link_state::connecting,
                        (needs_operator(why.cls) ? "the master denies access: " : "master: ") + why.text);
    if (gives_up()) co_return end_reason::finished;
    co_await wait(how_long);
    co_return end_reason::restart;
}

aio::awaitable<step_result> link_waits::for_master(slave_writer& slave) {
    // No call to the slave is open meanwhile, so it is asked from time to time whether it is still there.
    aio::clock& clock = parts_.with.clock;
    const auto look_again = clock.now() + parts_.with.probe_interval;
    const auto refused = [this] {
        return parts_.once ? refusal(parts_.source.current()) : std::optional<etcd::error>();
    };
    while (!control_.has_request() && control_.may_work() && !is_ready(parts_.source) && !refused() &&
           slave.kv().usable() && clock.now() < look_again) {
        parts_.report.wait("waiting for the master");
        co_await aio::wait_until(parts_.wake, clock, look_again);
    }
    if (control_.stopping()) co_return end_reason::stopped;
    // A daemon waits until an operator fixes it; a one-shot job ends.
    auto why = refused();
    if (why) co_return step_result(end_reason::master_away, std::move(*why));
    // Meanwhile others may have written on the slave: what was read from it is out of date.
    co_return end_reason::restart;
}

aio::awaitable<step_result> link_waits::for_leadership(leader& of, slave_writer& slave) {
    aio::clock& clock = parts_.with.clock;
    const std::uint64_t check = of.request_check();
    auto look_again = clock.now() + parts_.with.probe_interval;
    while (!control_.has_request() && control_.may_work()) {
        if (!slave.kv().usable())
            co_return step_result(end_reason::slave_failed,
                                  etcd::error(etcd::error_class::retry, slave.kv().why_unusable()));
        if (parts_.better_endpoint) co_return end_reason::better_endpoint;
        if (of.was_checked(check)) {
            if (control_.leads()) co_return end_reason::done;
            report_standby(of);
        } else if (!of.failure().empty()) {
            parts_.report.wait(of.failure());
        }
        if (clock.now() < look_again) {
            co_await aio::wait_until(parts_.wake, clock, look_again);
            continue;
        }
        const auto found = co_await slave.read();
        if (!found) co_return step_result(end_reason::slave_failed, found.error());
        look_again = clock.now() + parts_.with.probe_interval;
    }
    co_return control_.stopping() ? end_reason::stopped : end_reason::restart;
}

void link_waits::report_standby(const leader& of) {
    const standing& now = of.state().now();
    if (!now.another_leads) return parts_.report.wait(now.reason);
    const link_state shows = now.in_conflict ? link_state::held : link_state::standby;
    std::string cause = now.reason;
    if (now.in_conflict) {
        control_.note_held(hold_kind::conflict);
        cause = "another configuration uses this instance name on this slave: " + cause +
                " with another master or other rules";
    }
    // Called often.
    const link_status& shown = parts_.report.status();
    if (shown.state != shows || shown.cause != cause) parts_.report.enter(shows, cause);
}

aio::awaitable<step_result> link_waits::hold(hold_kind kind, std::string why) {
    control_.note_held(kind);
    parts_.report.held(why, kind != hold_kind::conflict);
    if (parts_.once) co_return end_reason::finished;
    co_await wait(parts_.with.probe_interval);
    co_return end_reason::restart;
}

aio::awaitable<step_result> link_waits::for_approval(slave_writer& slave, std::string why) {
    control_.note_held(hold_kind::guard);
    parts_.report.held(why, true);
    if (parts_.once) co_return end_reason::finished;
    // Counting again means reading everything: only when something suggests another result, or after a while.
    aio::clock& clock = parts_.with.clock;
    const std::uint64_t generation = parts_.source.recent().generation();
    const auto again = clock.now() + refresh_interval;
    while (!control_.has_request() && control_.may_work() && clock.now() < again &&
           parts_.source.recent().generation() == generation) {
        co_await wait(parts_.with.probe_interval);
        if (control_.has_request() || !control_.may_work()) break;
        const auto same = co_await slave.checkpoint_unchanged();
        if (!same) co_return step_result(end_reason::slave_failed, same.error());
        if (!*same) break;
    }
    co_return control_.stopping() ? end_reason::stopped : end_reason::restart;
}

}  // namespace etcdsync::replication
