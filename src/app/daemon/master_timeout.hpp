// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "replication/status/status.hpp"

namespace etcdsync::app {

/// Decides when a one-shot command stops waiting for the master. (`run` waits forever.)
class master_timeout {
public:
    explicit master_timeout(aio::clock::time_point begin) : away_since_(begin) {}

    /// True if the command must not wait any longer.
    [[nodiscard]] bool expired(const replication::master_status& master, aio::clock::time_point now);

private:
    aio::clock::time_point away_since_;
    bool was_there_ = false;
};

}  // namespace etcdsync::app
