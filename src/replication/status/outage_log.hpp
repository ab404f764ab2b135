// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// Decides which causes of one outage are logged. Why a connection ended says little about why
/// there is no new one: an etcd that returns with an expired certificate first closes the
/// connection, then refuses connections, and only then shows what is wrong. Causes that differ only
/// in numbers (sizes, ports, times) count as the same.
class outage_log {
public:
    /// Begins an outage. The caller logs its cause.
    void begin(std::string_view cause);

    /// True if the cause of a later attempt should be logged: it was not logged before, it has
    /// lasted for at least 3 s, and fewer than 8 causes were logged.
    [[nodiscard]] bool should_log(std::string_view cause, aio::clock::time_point now);

private:
    std::vector<std::string> logged_;
    std::string candidate_;  ///< the cause of the last attempt if it is not logged yet, else empty
    aio::clock::time_point since_{};
};

}  // namespace etcdsync::replication
