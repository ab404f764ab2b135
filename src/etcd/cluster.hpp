// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/task_group.hpp"
#include "etcd/error.hpp"
#include "net/http2_channel.hpp"

#include <memory>
#include <vector>

namespace etcdsync::etcd {

struct cluster_options {
    std::vector<net::endpoint> endpoints;
    std::chrono::milliseconds dial_timeout{3'000};
    std::chrono::milliseconds request_timeout{5'000};
};

/// One etcd cluster as a place to get connections to. Each user has its own: what one finds unfit says nothing to another.
class cluster {
public:
    cluster(net::dialer& dialer, aio::clock& clock, aio::task_group& tasks, cluster_options options);

    /// A new connection to the first endpoint that takes one, beginning with the one that did last time (at first: the first of
    /// the configuration). The error is the last one met.
    aio::awaitable<result<std::shared_ptr<net::channel>>> connect(const net::channel_options& options);

    /// `peer` took a connection but is of no use (no leader, a learner): begin with another next time.
    void avoid(const net::endpoint& peer);

    [[nodiscard]] std::chrono::milliseconds request_timeout() const { return options_.request_timeout; }
    [[nodiscard]] aio::clock& clock() const { return *clock_; }

private:
    net::dialer* dialer_;
    aio::clock* clock_;
    aio::task_group* tasks_;
    cluster_options options_;
    std::size_t preferred_ = 0;
};

}  // namespace etcdsync::etcd
