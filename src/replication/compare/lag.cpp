// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/lag.hpp"

#include "replication/master/replay.hpp"

#include <chrono>
#include <deque>
#include <utility>

namespace etcdsync::replication {
namespace {

/// A watch from a revision with events is answered at once, and that answer has the position.
constexpr std::chrono::seconds patience{3};

/// Whatever was changed, it need not be kept.
constexpr std::size_t largest_kept = 256U << 10;

}  // namespace

aio::awaitable<bool> is_current(std::shared_ptr<net::channel> on, const context& with, aio::clock::duration timeout,
                                const mapping& keys, const checkpoint& record, revision until) {
    if (record.rev >= until) co_return true;
    if (record.event_digest.empty() || record.rules != keys.digest()) co_return false;
    replay::start from;
    from.known = record.rev;
    from.last_event = record.event_revision;
    from.event_digest = record.event_digest;
    replay missed(
        std::move(on), with, timeout, keys.cover(), from,
        [&keys](std::string_view key) { return keys.rule_of(key).has_value(); }, largest_kept);
    const aio::alarm limit(with.clock, with.clock.now() + patience, [&missed] { missed.cancel(); });
    std::deque<log_entry> changed;
    while (missed.position() < until) {
        const auto read = co_await missed.read(changed);
        if (!read || !changed.empty()) co_return false;
    }
    co_return changed.empty();
}

}  // namespace etcdsync::replication
