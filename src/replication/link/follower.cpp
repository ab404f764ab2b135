// SPDX-License-Identifier: Apache-2.0
#include "replication/link/follower.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace etcdsync::replication {
namespace {

/// A shorter interruption of the master is not reported.
constexpr std::chrono::seconds short_interruption{1};

}  // namespace

aio::awaitable<step_result> follower::run() {
    for (;;) {
        auto end = co_await advancer_->advance_to_head();
        if (end.reason != end_reason::done) co_return end;
        end = co_await compare_->run_if_due();
        if (end.reason != end_reason::done) co_return end;
        was_in_sync_ = true;
        if (parts_.once) co_return end_reason::finished;
        report_state();
        end = co_await session_->refresh_checkpoint();
        if (end.reason == end_reason::done) end = co_await rest_until_news();
        if (end.reason != end_reason::done) co_return end;
    }
}

aio::awaitable<step_result> follower::finish() {
    parts_.report.enter(link_state::in_sync);
    position_.writer.clear();
    auto end = co_await session_->commit_position();
    if (end.reason == end_reason::done) co_return end_reason::finished;
    co_return end;
}

aio::clock::time_point follower::report_state() {
    const master_status master = parts_.source.current();
    const auto silent_from = master.since + short_interruption;
    if (master.connected) {
        parts_.report.enter(link_state::in_sync);
    } else if (parts_.with.clock.now() >= silent_from) {
        parts_.report.wait("waiting for the master");
    } else {
        return silent_from;
    }
    return aio::clock::time_point::max();
}

aio::awaitable<step_result> follower::rest_until_news() {
    const auto look_again = session_->next_check();
    for (;;) {
        if (auto end = session_->interrupted()) co_return std::move(*end);
        if (auto end = session_->broken()) co_return std::move(*end);
        if (parts_.better_endpoint) co_return end_reason::better_endpoint;
        if (parts_.source.recent().position() > position_.rev || compare_->is_due()) co_return end_reason::done;
        if (parts_.with.clock.now() >= look_again) break;
        const auto until = std::min(look_again, report_state());
        co_await aio::wait_until(parts_.wake, parts_.with.clock, until);
    }
    // Nothing happened for a while: does the slave still answer, and is the checkpoint unchanged?
    co_return co_await session_->check_slave();
}

}  // namespace etcdsync::replication
