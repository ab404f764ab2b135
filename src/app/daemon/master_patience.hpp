// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "replication/status/status.hpp"

namespace etcdsync::app {

/// Decides when a one-shot command stops waiting for the master. (The daemon waits forever.)
class master_patience {
public:
    explicit master_patience(aio::clock::time_point begin) : away_since_(begin) {}

    /// True if waiting longer is pointless.
    [[nodiscard]] bool is_over(const replication::master_status& master, aio::clock::time_point now);

private:
    aio::clock::time_point away_since_;
    bool was_there_ = false;
};

}  // namespace etcdsync::app
