// SPDX-License-Identifier: Apache-2.0
#include "etcd/ping_intervals.hpp"

#include <algorithm>

namespace etcdsync::etcd {

std::chrono::seconds ping_intervals::of(const net::endpoint& endpoint, std::chrono::seconds usual) const {
    const auto found = intervals_.find(endpoint.url);
    return found == intervals_.end() ? usual : std::max(usual, found->second);
}

void ping_intervals::note_too_many(const net::endpoint& endpoint, std::chrono::seconds interval) {
    constexpr std::chrono::seconds longest = std::chrono::minutes(5);
    const std::chrono::seconds doubled = std::min(2 * interval, longest);
    std::chrono::seconds& known = intervals_[endpoint.url];
    if (doubled <= known) return;  // another connection was ended for the same reason
    known = doubled;
    log_->info("an endpoint permits fewer pings; sending them less often",
               {{"endpoint", endpoint.url}, {"interval", std::chrono::milliseconds(known)}});
}

}  // namespace etcdsync::etcd
