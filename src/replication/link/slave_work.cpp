// SPDX-License-Identifier: Apache-2.0
#include "replication/link/slave_work.hpp"

#include "replication/link/pass_position.hpp"

#include <utility>

namespace etcdsync::replication {

slave_work::slave_work(const link_parts& parts, slave_writer& slave, const start_plan& plan)
    : parts_(parts), plan_(plan), session_(parts, slave), advancer_(session_), catch_up_(session_, advancer_),
      full_sync_(session_, advancer_, catch_up_), compare_(session_), follower_(session_, advancer_, compare_) {}

aio::awaitable<step_result> slave_work::claim() {
    auto end = co_await session_.claim(plan_);
    full_sync_.resume(plan_.reason);
    co_return end;
}

aio::awaitable<step_result> slave_work::begin_full_sync(std::string reason) {
    co_return co_await full_sync_.begin(std::move(reason));
}

aio::awaitable<step_result> slave_work::run() {
    step_result end = end_reason::done;
    while (end.reason == end_reason::done) {
        if (parts_.guards.for_one_sync && !in_full_sync(session_.position())) co_return end_reason::approval_used;
        end = co_await move();
        if (!in_full_sync(session_.position()) && made_progress()) has_followed_ = true;
        if (end.reason == end_reason::behind) end = co_await catch_up_.run();
        if (end.reason == end_reason::compare) end = co_await catch_up_.outlive_compaction(end.error);
        if (end.reason == end_reason::compare) end = co_await begin_full_sync(end.error.text);
        if (end.reason == end_reason::drifted) end = co_await repair_drift(end.error.text);
        if (end.reason == end_reason::yielded) {
            constexpr std::chrono::milliseconds turn{250};  // those who wait take the permit meanwhile
            co_await aio::sleep(parts_.with.clock, turn);
            end = end_reason::done;
        }
    }
    co_return end;
}

aio::awaitable<step_result> slave_work::move() {
    const checkpoint& at = session_.position();
    if (!in_full_sync(at)) {
        auto end = co_await follower_.run();
        if (end.reason == end_reason::finished) co_return co_await finish_once();
        co_return end;
    }
    // Keys below the frontier are at R. If the log no longer reaches back to it, they are advanced first.
    if (!nothing_below_frontier(at) && !parts_.log_reaches(at.rev)) co_return end_reason::behind;
    auto end = co_await full_sync_.run();
    if (!in_full_sync(at)) compare_.note_compared();
    co_return end;
}

aio::awaitable<step_result> slave_work::repair_drift(std::string what) {
    parts_.report.log(observe::log_level::warn, "the slave differs from the master; comparing all keys",
                      {{"cause", what}});
    // The feed has followed the master since this session began, so the master is known.
    session_.history().proven = true;
    co_return co_await begin_full_sync(std::move(what));
}

aio::awaitable<step_result> slave_work::finish_once() {
    // A one-shot job applies what was missed first: deletes that are seen as events need no guard. Then it compares.
    if (!full_sync_.has_compared()) co_return co_await begin_full_sync("requested");
    co_return co_await follower_.finish();
}

}  // namespace etcdsync::replication
