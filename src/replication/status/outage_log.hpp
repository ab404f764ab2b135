// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// Which causes of one outage were logged. Why a connection ended says little about why there is no new one: an etcd that returns
/// with an expired certificate first "closed the connection", then refused connections, and only then shows what is wrong. Causes
/// that differ only in numbers (sizes, ports, times) count as the same.
class outage_log {
public:
    /// An outage begins; the caller logs its cause.
    void begin(std::string_view cause);

    /// Whether the cause of a later attempt should be logged: not one that was logged before, nor one that lasts less than 3 s, nor
    /// more than 8 in all.
    [[nodiscard]] bool is_news(std::string_view cause, aio::clock::time_point now);

private:
    std::vector<std::string> logged_;
    std::string waiting_;  ///< the cause of the last attempt, not logged yet; empty: it was
    aio::clock::time_point since_{};
};

}  // namespace etcdsync::replication
