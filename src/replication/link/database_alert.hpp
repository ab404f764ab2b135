// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/maintenance.hpp"

#include <utility>

namespace etcdsync::replication {

/// Decides when an operator should know that the database of a slave is nearly full. Pure.
class database_alert {
public:
    /// True if this size is to be reported: it is above 80 % of the quota, for the first time since it was below 70 %. Never
    /// without a quota.
    [[nodiscard]] bool rises(const etcd::database_size& now) {
        if (now.quota == 0) return false;
        if (share(now) > 80) return !std::exchange(above_, true);
        if (share(now) < 70) above_ = false;
        return false;
    }

private:
    [[nodiscard]] static double share(const etcd::database_size& of) {
        return 100 * static_cast<double>(of.used) / static_cast<double>(of.quota);
    }

    bool above_ = false;
};

}  // namespace etcdsync::replication
