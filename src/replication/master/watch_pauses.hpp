// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "base/backoff.hpp"
#include "etcd/error.hpp"

#include <chrono>

namespace etcdsync::replication {

/// Decides how long a feed waits before it opens its watch again. Plain.
class watch_pauses {
public:
    explicit watch_pauses(std::chrono::milliseconds longest);

    /// The pause after a failure.
    [[nodiscard]] std::chrono::milliseconds next(etcd::error_class failure, base::random_source& random);

    /// Called for each message of a watch that was opened `age` ago. `progressed`: since then it
    /// delivered revisions that were not known before. Returns true if the watch counts as a
    /// success; then the next pause is short again. After a watch violation that takes a watch that
    /// stays open, because events alone may be wrong ones.
    bool received(bool progressed, aio::clock::duration age);

private:
    base::backoff after_failures_;
    base::backoff after_violations_;
};

}  // namespace etcdsync::replication
