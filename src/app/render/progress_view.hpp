// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/progress.hpp"
#include "replication/status/status.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace etcdsync::app {

/// The progress of the full syncs in flight.
class progress_view {
public:
    /// One entry per slave in full sync.
    std::vector<observe::progress> update(const replication::status& now_is, aio::clock::time_point now);

private:
    std::map<std::string, observe::rate_meter> meters_;  ///< only for slaves in full sync
};

/// One line per entry, with their bars aligned.
[[nodiscard]] std::vector<std::string> bar_lines(const std::vector<observe::progress>& all, std::size_t width);

}  // namespace etcdsync::app
