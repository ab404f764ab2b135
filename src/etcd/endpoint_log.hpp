// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "net/byte_stream.hpp"
#include "observe/log.hpp"

#include <set>
#include <string>

namespace etcdsync::etcd {

/// Logs the endpoints of a cluster that are skipped because they are unavailable, each once until
/// it is available again. Without it, a cluster that only one member still serves would look
/// healthy. Shared by all users of the cluster.
class endpoint_log {
public:
    /// `log` outlives this object.
    explicit endpoint_log(const observe::logger& log) : log_(&log) {}

    /// `endpoint` was skipped, and another endpoint serves.
    void unavailable(const net::endpoint& endpoint, const error& cause);
    void available(const net::endpoint& endpoint);

private:
    const observe::logger* log_;
    std::set<std::string> unavailable_;  ///< URLs
};

}  // namespace etcdsync::etcd
