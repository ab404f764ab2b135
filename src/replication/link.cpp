// SPDX-License-Identifier: Apache-2.0
#include "replication/link.hpp"

#include "replication/resume.hpp"

#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::chrono::milliseconds first_pause{250};

net::channel_options slave_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 2U << 20;
    return options;
}

/// Sets a pointer for as long as it lives.
template <class T>
class pointing {
public:
    pointing(T*& pointer, T& to) : pointer_(&pointer) { pointer = &to; }
    pointing(const pointing&) = delete;
    pointing& operator=(const pointing&) = delete;
    ~pointing() { *pointer_ = nullptr; }

private:
    T** pointer_;
};

}  // namespace

link::link(const context& with, link_settings settings, mapping keys, etcd::cluster slave, etcd::cluster& master, feed& source,
           slots& places)
    : context_(&with), settings_(std::move(settings)), keys_(std::move(keys)), slave_(std::move(slave)), master_(&master),
      source_(&source), places_(&places), report_(with, settings_.name, settings_.endpoints), pauses_(first_pause, with.probe_interval),
      wake_(with.tasks.executor()) {
    source.on_change([this] { wake_.notify(); });
}

void link::stop() {
    stopping_ = true;
    wake_.notify();
}

aio::awaitable<> link::run() {
    while (!stopping_) {
        const ending end = co_await serve();
        if (end.why != ending::reason::slave_failed) continue;
        const auto how_long = pauses_.next(context_->random);
        report_.disconnected(end.what.text, how_long);
        co_await pause(how_long);
    }
    report_.enter(link_state::stopped);
}

aio::awaitable<> link::pause(std::chrono::milliseconds how_long) {
    const auto until = context_->clock.now() + how_long;
    while (!stopping_ && context_->clock.now() < until) co_await aio::wait_until(wake_, context_->clock, until);
}

aio::awaitable<ending> link::wait_for_master() {
    while (!stopping_ && !(source_->recent().started() && source_->connected())) {
        report_.enter(link_state::connecting, "waiting for the master");
        co_await wake_.wait();
    }
    if (stopping_) co_return ending::reason::stopped;
    co_return ending::reason::done;
}

aio::awaitable<ending> link::serve() {
    const net::channel_options options = slave_connection();
    const auto channel = co_await slave_.connect(options);
    if (!channel) co_return ending(ending::reason::slave_failed, channel.error());
    const std::shared_ptr<net::channel> on = *channel;
    on->on_broken([this] { wake_.notify(); });
    const etcd::kv kv(on, context_->clock, slave_.request_timeout());
    applier slave(kv, *context_, settings_.checkpoint_key);
    const pointing<applier> while_connected(applier_, slave);
    for (;;) {
        ending end = co_await work(slave);
        if (end.why == ending::reason::begin_again && !stopping_) continue;
        if (end.why == ending::reason::slave_failed) slave_.avoid(on->peer());
        on->close();
        co_return end;
    }
}

aio::awaitable<ending> link::work(applier& slave) {
    const auto found = co_await slave.read();
    if (!found) co_return ending(ending::reason::slave_failed, found.error());
    auto waited = co_await wait_for_master();
    if (waited.why != ending::reason::done) co_return waited;

    surroundings now;
    now.instance = settings_.instance;
    now.cluster_id = source_->cluster_id();
    now.raft_term = source_->raft_term();
    now.master_position = source_->recent().position();
    now.slave_revision = found->slave_revision;
    start_plan plan = plan_start(found->record, keys_, now);
    if (plan.full_sync) context_->log.info(settings_.name + ": comparing everything", {{"reason", plan.reason}});

    session work(link_parts{*context_, keys_, *master_, *source_, *places_, report_, settings_.limits, wake_, stopping_}, slave);
    auto end = co_await work.claim(std::move(plan.record));
    if (end.why != ending::reason::done) co_return end;
    pauses_.reset();
    for (;;) {
        end = co_await move(work);
        if (end.why == ending::reason::done) continue;
        if (end.why == ending::reason::behind) {
            end = co_await work.catch_up();
        }
        if (end.why == ending::reason::compare) {
            std::string reason = end.what.text;
            if (reason.empty()) reason = "a revision of the master is too large for one Txn";
            end = co_await work.begin_full_sync(std::move(reason));
        }
        if (end.why == ending::reason::master_away) {
            co_await pause(std::chrono::milliseconds(first_pause));
            end = co_await wait_for_master();
        }
        if (end.why != ending::reason::done) co_return end;
    }
}

aio::awaitable<ending> link::move(session& work) {
    if (!work.in_full_sync()) co_return co_await work.follow();
    // Keys below the frontier are at R: when the log no longer reaches back to it they are brought on first.
    if (!source_->recent().holds_all_since(work.at())) co_return ending::reason::behind;
    co_return co_await work.full_sync();
}

}  // namespace etcdsync::replication
