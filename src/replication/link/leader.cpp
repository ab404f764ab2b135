// SPDX-License-Identifier: Apache-2.0
#include "replication/link/leader.hpp"

#include "base/text.hpp"
#include "replication/status/suggestions.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

using step = leadership::step;

/// Between reads of the slave while no process leads it, or while there is no watch; and between looks at a leader on this host,
/// which cost the slave nothing.
constexpr std::chrono::milliseconds short_interval{1'000};

constexpr std::chrono::milliseconds first_pause{250};

/// Whatever a watch on a slave sends, it is read less often than this.
constexpr std::chrono::milliseconds least_interval{20};

/// Small, because the keys have short values.
net::channel_options small_connection() {
    net::channel_options options;
    options.http2.stream_window = 64U << 10;
    options.http2.connection_window = 128U << 10;
    return options;
}

leader_record self_in(const context& with, const leader_settings& settings) {
    leader_record out;
    out.writer = with.writer;
    out.rules = settings.rules;
    return out;
}

}  // namespace

leader::leader(const context& with, leader_settings settings, etcd::cluster slave, const base::process_table* processes)
    : with_(with), settings_(std::move(settings)), slave_(std::move(slave)),
      state_(self_in(with, settings_), processes), pauses_(first_pause, with.probe_interval),
      wake_(with.tasks.executor()) {
    etcd::range_query probe;
    probe.key = settings_.positions.begin;
    slave_.set_health_probe(std::move(probe));
}

void leader::stop() {
    stopping_ = true;
    wake_.notify();
}

std::uint64_t leader::request_check() {
    attend();
    return ++requested_;
}

void leader::attend() {
    attention_ = true;
    wake_.notify();
}

aio::awaitable<> leader::run() {
    while (!stopping_) {
        if (!is_needed()) {
            co_await wake_.wait();
            continue;
        }
        const etcd::error why = co_await serve();
        if (stopping_ || why.cls == etcd::error_class::cancelled) continue;
        failure_ = why.text;
        listeners_.notify();
        co_await pause(pauses_.next(with_.random));
    }
    ended_ = true;
}

bool leader::is_needed() const {
    const auto needs_leader = [](const led_link& link) { return link.is_connected() && !link.is_paused(); };
    return lease_.id != 0 || std::ranges::any_of(links_, needs_leader);
}

aio::awaitable<> leader::pause(std::chrono::milliseconds how_long) {
    // A link that has just reached the slave does not wait for a long pause.
    const auto begun = with_.clock.now();
    const auto longest = begun + how_long;
    const auto shortest = begun + std::min(how_long, first_pause);
    for (;;) {
        const auto until = attention_ ? shortest : longest;
        if (stopping_ || with_.clock.now() >= until) co_return;
        co_await aio::wait_until(wake_, with_.clock, until);
    }
}

aio::awaitable<etcd::error> leader::serve() {
    attention_ = false;
    const net::channel_options options = small_connection();
    const auto connected = co_await slave_.connect(options);
    if (!connected) co_return connected.error();
    const std::shared_ptr<net::channel> channel = *connected;
    const aio::subscription on_broken = channel->on_broken([this] { attend(); });
    leader_client slave(channel, with_, slave_.request_timeout(), settings_, lease_);
    std::optional<etcd::error> failed;
    while (!stopping_ && !failed && is_needed()) failed = co_await turn(slave);
    if (stopping_ && channel->usable()) static_cast<void>(co_await slave.revoke());
    if (failed) slave_.avoid(channel->peer());
    channel->close();
    if (failed) co_return std::move(*failed);
    co_return etcd::error(etcd::error_class::cancelled, "not needed");
}

aio::awaitable<std::optional<etcd::error>> leader::turn(leader_client& slave) {
    attention_ = false;
    const std::uint64_t check = requested_;
    ask_links();
    last_read_ = with_.clock.now();
    const auto next = co_await decide(slave);
    etcd::result<bool> settled = true;
    if (!next) {
        settled = next.error();
    } else {
        settled = co_await carry_out(slave, *next);
    }
    // An unusable connection was refused as a whole, for example because of our certificate.
    if (!settled && (!is_refusal(settled.error().cls) || !slave.usable())) co_return settled.error();
    if (!settled) refused(settled.error());
    pauses_.reset();
    failure_.clear();
    checked_ = check;
    report();
    listeners_.notify();
    if (settled && !*settled) attention_ = true;  // read again soon
    if (seen_.store_revision > 0) slave.watch(seen_.store_revision, [this] { attend(); });
    co_return co_await rest(slave);
}

void leader::ask_links() {
    bool ready = false;
    // With a link per rule, one that waits must not keep the others without a master.
    const bool keeps_lease =
        std::ranges::all_of(links_, [](const led_link& link) { return link.is_paused() || link.is_held(); });
    std::uint64_t cluster_id = 0;
    for (const led_link& link : links_) {
        if (link.is_paused() || !link.sees_master()) continue;
        ready = true;
        cluster_id = link.cluster_id();
    }
    state_.note_master(ready, cluster_id, with_.clock.now());
    state_.note_waits_for_operator(keeps_lease, with_.clock.now());
}

aio::awaitable<etcd::result<step>> leader::decide(leader_client& slave) {
    auto seen = co_await slave.read_key();
    if (!seen) co_return seen.error();
    seen_ = std::move(*seen);
    const bool has_lease = lease_.id != 0;
    const step next = state_.decide(seen_, has_lease);
    if (next != step::read_positions) co_return next;
    const auto positions = co_await slave.read_positions();
    if (!positions) co_return positions.error();
    co_return state_.decide(seen_, has_lease, &*positions);
}

/// False if the key must be read again soon.
aio::awaitable<etcd::result<bool>> leader::carry_out(leader_client& slave, step what) {
    if (what == step::put || what == step::replace) {
        if (renewal_refusal_ && with_.clock.now() < try_again_) co_return *renewal_refusal_;
        std::string value = state_.value(base::format_time(with_.clock.wall()));
        const auto done = co_await slave.put(seen_, std::move(value));
        // Another process was faster, or the lease has ended, or an answer of ours was lost.
        // Not `co_return done`: a const result<bool> with an error would become the value false.
        if (!done) co_return done.error();
        if (*done) state_.note_put();
        co_return *done;
    }
    if (what == step::give_way) {
        auto failed = co_await slave.revoke();
        if (failed && !is_refusal(failed->cls)) co_return std::move(*failed);
        lease_.id = 0;  // if the slave refused that, the lease ends by itself
        state_.note_given_way();
        with_.log.info("no connection to the master: another etcd-sync may replicate to this slave now",
                       {{"slave", settings_.slave}});
    }
    // The key that our lease belonged to is another process's now.
    if (what == step::stand_by && state_.now().another_leads) lease_.id = 0;
    co_return true;
}

void leader::refused(const etcd::error& why) {
    state_.note_refused();
    const std::string cause(etcd::to_string(why.cls));
    if (std::exchange(logged_refusal_, cause) == cause) return;
    const std::string text =
        etcd::is_permission_denied(why) ? "the user has no readwrite permission on this key" : why.text;
    const std::vector<observe::log_field> fields{{"slave", settings_.slave}, {"key", settings_.key}, {"cause", text}};
    with_.log.log(observe::log_level::warn, "no leader key on this slave: another etcd-sync cannot stand by",
                  with_check(fields, with_.program, why.text));
}

void leader::report() {
    if (!state_.now().leads) {
        if (state_.now().another_leads) stood_by_ = true;
        if (state_.now().quiet_left && !stood_by_ && !std::exchange(logged_wait_, true)) {
            with_.log.info("waiting for the previous etcd-sync",
                           {{"slave", settings_.slave}, {"cause", state_.now().reason}});
        }
        return;
    }
    if (!state_.now().without_key) logged_refusal_.clear();
    logged_wait_ = false;
    if (!std::exchange(stood_by_, false)) return;
    with_.log.info("took over from another etcd-sync", {{"slave", settings_.slave}});
}

std::chrono::milliseconds leader::interval(bool watching) const {
    const auto quiet_left = state_.now().quiet_left;
    if (quiet_left) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*quiet_left);
        return std::clamp(left, least_interval, std::min(short_interval, with_.probe_interval));
    }
    if (state_.now().another_leads && !watching) return std::min(short_interval, with_.probe_interval);
    return with_.probe_interval;
}

bool leader::gives_up_renewals(const etcd::error& why, const leader_client& slave) {
    constexpr unsigned most_in_a_row = 3;
    constexpr std::chrono::minutes pause{10};
    if (!slave.usable()) return false;
    if (!is_refusal(why.cls) && ++failed_renewals_ < most_in_a_row) return false;
    // Without renewals the key would come and go, and the leader with it.
    failed_renewals_ = 0;
    lease_.id = 0;
    renewal_refusal_ = etcd::error(etcd::error_class::unsupported, "leases are not renewed: " + why.text);
    try_again_ = with_.clock.now() + pause;
    refused(*renewal_refusal_);
    return true;
}

aio::awaitable<std::optional<etcd::error>> leader::rest(leader_client& slave) {
    for (;;) {
        const auto now = with_.clock.now();
        const auto earliest = last_read_ + least_interval;
        const auto until = last_read_ + interval(slave.is_watching());
        if (stopping_ || now >= until || state_.must_give_way(now)) co_return std::nullopt;
        if (state_.leader_has_died() && now >= earliest) co_return std::nullopt;
        if (attention_ && now >= earliest) co_return std::nullopt;
        if (lease_.id != 0 && now >= lease_.next_renewal) {
            auto failed = co_await slave.renew();
            if (failed && !gives_up_renewals(*failed, slave)) co_return failed;
            if (!failed) failed_renewals_ = 0;
            if (lease_.id == 0) co_return std::nullopt;
            continue;
        }
        auto next = until;
        if (attention_) next = earliest;
        if (state_.leader_is_near()) next = std::min(next, std::max(earliest, now + short_interval));
        if (lease_.id != 0) next = std::min(next, lease_.next_renewal);
        if (const auto due = state_.gives_way_at()) next = std::min(next, *due);
        co_await aio::wait_until(wake_, with_.clock, next);
    }
}

}  // namespace etcdsync::replication
