// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/subscription.hpp"
#include "aio/task_group.hpp"
#include "etcd/authenticator.hpp"
#include "etcd/endpoint_log.hpp"
#include "etcd/error.hpp"
#include "etcd/kv.hpp"
#include "etcd/ping_intervals.hpp"
#include "net/http2_channel.hpp"
#include "net/tls_client.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace etcdsync::etcd {

struct cluster_options {
    std::vector<net::endpoint> endpoints;   ///< in order of preference
    std::shared_ptr<authenticator> auth;    ///< null: no user; else shared per cluster
    std::shared_ptr<endpoint_log> log;      ///< null: nothing is logged; else shared per cluster
    std::shared_ptr<ping_intervals> pings;  ///< null: they do not change; else shared per cluster
    std::chrono::milliseconds dial_timeout{3'000};
    std::chrono::milliseconds request_timeout{5'000};
    std::chrono::milliseconds failback_interval{30'000};  ///< between failback attempts
};

/// Connects to one etcd cluster. Each user has an object of its own, so that an endpoint which one
/// user avoids is still tried by another.
class cluster {
public:
    cluster(net::dialer& dialer, aio::clock& clock, aio::task_group& tasks, cluster_options options);

    /// Opens a connection and logs in. Tries the endpoints in order, beginning with preferred(),
    /// and uses the first that accepts. The error has the cause of each endpoint; its class is
    /// `denied` if any of them denies access. A refused user ends the attempt at once, because users
    /// belong to the cluster, not to the member.
    aio::awaitable<result<std::shared_ptr<net::channel>>> connect(const net::channel_options& options);

    /// `peer` accepted a connection but cannot serve (no leader, a learner): the next connect()
    /// begins with another endpoint.
    void avoid(const net::endpoint& peer);

    /// With several endpoints, connect() sends `probe` on each new connection, and skips a member
    /// that answers that it cannot serve (a learner, one without a leader or still starting) or
    /// does not answer. Call before connect().
    void set_health_probe(range_query probe) { health_probe_ = std::move(probe); }

    /// While an endpoint other than the first is in use, tries the endpoints before it every
    /// `failback_interval`, with the health probe. If one answers, as a member of the same cluster,
    /// the next connect() begins there, and `listener` is called while its subscription lasts. The interval doubles, up to 10
    /// minutes, if that endpoint has to be avoided within a minute. Call once, before connect();
    /// this object must not move afterwards.
    [[nodiscard]] aio::subscription enable_failback(std::function<void()> listener);

    /// The endpoint that the next connect() begins with.
    [[nodiscard]] const net::endpoint& preferred() const { return options_.endpoints[preferred_]; }

    [[nodiscard]] std::chrono::milliseconds request_timeout() const { return options_.request_timeout; }
    [[nodiscard]] aio::clock& clock() const { return *clock_; }

private:
    using channel_result = result<std::shared_ptr<net::channel>>;

    aio::awaitable<channel_result> open(net::endpoint to, net::channel_options options);
    aio::awaitable<channel_result> log_in(std::shared_ptr<net::channel> on);
    void use(std::size_t which, const std::vector<std::optional<error>>& failed);
    aio::awaitable<> try_preferred_endpoints();
    aio::awaitable<bool> is_healthy(net::endpoint to);
    aio::awaitable<std::optional<error>> check_health(std::shared_ptr<net::channel> member);
    void prefer(std::size_t which);

    net::dialer* dialer_;
    aio::clock* clock_;
    aio::task_group* tasks_;
    cluster_options options_;
    std::size_t preferred_ = 0;
    std::optional<range_query> health_probe_;
    std::uint64_t probed_cluster_id_ = 0;  ///< of the member probed last
    std::uint64_t cluster_id_ = 0;         ///< of the member in use; 0: unknown, it was not probed
    struct failback {
        void failback_failed(aio::clock::time_point now, std::chrono::milliseconds interval);

        aio::listeners on_failback;
        std::chrono::milliseconds pause;
        std::size_t to = 0;             ///< the endpoint of the last failback
        aio::clock::time_point last{};  ///< time of the last failback
        bool running = false;
    };
    std::optional<failback> failback_;
};

}  // namespace etcdsync::etcd
