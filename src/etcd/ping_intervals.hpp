// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/byte_stream.hpp"
#include "observe/log.hpp"

#include <chrono>
#include <map>
#include <string>

namespace etcdsync::etcd {

/// How often each endpoint of a cluster may be sent a PING. A server, or a proxy, with a long keep-alive minimum ends connections
/// with "too_many_pings"; each time the interval doubles (gRPC A8). Shared by all users of the cluster.
class ping_intervals {
public:
    /// `log` outlives this object.
    explicit ping_intervals(const observe::logger& log) : log_(&log) {}

    /// The interval for `endpoint`, `usual` if it has not complained.
    [[nodiscard]] std::chrono::seconds of(const net::endpoint& endpoint, std::chrono::seconds usual) const;

    /// `endpoint` ended a connection on which it was sent a PING every `interval`.
    void note_too_many(const net::endpoint& endpoint, std::chrono::seconds interval);

private:
    const observe::logger* log_;
    std::map<std::string, std::chrono::seconds> intervals_;  ///< by URL
};

}  // namespace etcdsync::etcd
