// SPDX-License-Identifier: Apache-2.0
#include "replication/link/permit_holder.hpp"

#include <utility>

namespace etcdsync::replication {

aio::awaitable<step_result> permit_holder::take() {
    const link_parts& parts = session_->parts();
    while (!held_) {
        if (auto end = session_->interrupted()) co_return std::move(*end);
        if (auto end = session_->broken()) co_return std::move(*end);
        if (auto permit = parts.full_sync_permits.try_take()) {
            held_.emplace(std::move(*permit));
            break;
        }
        parts.report.wait("waiting for other slaves to finish");
        const auto look_again = session_->next_check();
        if (parts.with.clock.now() < look_again) {
            co_await aio::wait_until(parts.wake, parts.with.clock, look_again);
        } else {
            auto end = co_await session_->check_slave();
            if (end.reason != end_reason::done) co_return end;
        }
    }
    co_return end_reason::done;
}

}  // namespace etcdsync::replication
