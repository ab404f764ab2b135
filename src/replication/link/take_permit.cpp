// SPDX-License-Identifier: Apache-2.0
#include "replication/link/take_permit.hpp"

#include <utility>

namespace etcdsync::replication {

aio::awaitable<step_result> take_permit(slave_session& session, permits& from, std::optional<permits::permit>& held) {
    const link_parts& parts = session.parts();
    const permits::waiting wanted(from);
    for (;;) {
        if (auto end = session.interrupted()) co_return std::move(*end);
        if (auto end = session.broken()) co_return std::move(*end);
        if (auto permit = from.try_take()) {
            held.emplace(std::move(*permit));
            co_return end_reason::done;
        }
        parts.report.wait("waiting for other slaves to finish");
        const auto look_again = session.next_check();
        if (parts.with.clock.now() < look_again) {
            co_await aio::wait_until(parts.wake, parts.with.clock, look_again);
        } else {
            auto end = co_await session.check_slave();
            if (end.reason != end_reason::done) co_return end;
        }
    }
}

}  // namespace etcdsync::replication
