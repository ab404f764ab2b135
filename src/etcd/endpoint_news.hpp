// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "net/byte_stream.hpp"
#include "observe/log.hpp"

#include <set>
#include <string>

namespace etcdsync::etcd {

/// Tells of the endpoints of a cluster that are passed over, each once until it works again: a cluster that is served by its last
/// member looks as well as one with three. Shared by all who connect to it.
class endpoint_news {
public:
    /// `log` outlives it.
    explicit endpoint_news(const observe::logger& log) : log_(&log) {}

    /// For another one that serves.
    void passed_over(const net::endpoint& which, const error& why);
    void works(const net::endpoint& which);

private:
    const observe::logger* log_;
    std::set<std::string> told_;  ///< URLs
};

}  // namespace etcdsync::etcd
