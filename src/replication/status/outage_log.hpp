// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// Which causes of one outage were told. What ended a connection says little of why there is no other: an etcd that comes back with an
/// expired certificate "broke the connection" first, refused connections next, and only then shows what is wrong. Causes that differ in
/// numbers alone (sizes, ports, times) are the same to people.
class outage_log {
public:
    /// An outage begins, with a cause that is told.
    void begin(std::string_view cause);

    /// Whether the cause of a further try is to be told: not the ones told before, nor one that passes within 3 s, nor more than 8
    /// (whoever invents them).
    [[nodiscard]] bool is_news(std::string_view cause, aio::clock::time_point now);

private:
    std::vector<std::string> told_;
    std::string waiting_;  ///< the cause of the last try, not told yet; empty: it was
    aio::clock::time_point since_{};
};

}  // namespace etcdsync::replication
