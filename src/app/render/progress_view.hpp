// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/progress.hpp"
#include "replication/status/status.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace etcdsync::app {

/// What there is to show of the full syncs under way.
class progress_view {
public:
    /// One entry a slave in full sync, none where there is no such slave.
    std::vector<observe::progress> update(const replication::status& now_is, aio::clock::time_point now);

private:
    std::map<std::string, observe::rate_meter> meters_;  ///< of the slaves in full sync only
};

/// As lines below one another, their bars aligned.
[[nodiscard]] std::vector<std::string> bar_lines(const std::vector<observe::progress>& all, std::size_t width);

}  // namespace etcdsync::app
