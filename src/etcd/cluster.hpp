// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/task_group.hpp"
#include "etcd/authenticator.hpp"
#include "etcd/endpoint_news.hpp"
#include "etcd/error.hpp"
#include "etcd/kv.hpp"
#include "net/http2_channel.hpp"
#include "net/tls_client.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace etcdsync::etcd {

struct cluster_options {
    std::vector<net::endpoint> endpoints;  ///< in the order they are wanted
    std::shared_ptr<authenticator> auth;   ///< null: no user; else shared by all who connect to this cluster
    std::shared_ptr<endpoint_news> news;   ///< null: nothing is told; else shared likewise
    std::chrono::milliseconds dial_timeout{3'000};
    std::chrono::milliseconds request_timeout{5'000};
    std::chrono::milliseconds return_interval{30'000};  ///< how often a better endpoint is looked for
};

/// One etcd cluster as a place to get connections to. Each user has its own: what one finds unfit says nothing to another.
class cluster {
public:
    cluster(net::dialer& dialer, aio::clock& clock, aio::task_group& tasks, cluster_options options);

    /// A new connection, logged in, to the first endpoint that takes one, beginning with the one that did last time (at first: the
    /// first of the configuration). The error holds what each endpoint has against it, and is of class `denied` where one refuses us;
    /// where our user is refused that ends it at once, as users are the cluster's and not the member's.
    aio::awaitable<result<std::shared_ptr<net::channel>>> connect(const net::channel_options& options);

    /// `peer` took a connection but is of no use (no leader, a learner): begin with another next time.
    void avoid(const net::endpoint& peer);

    /// Where there are several endpoints, each new connection is asked with `probe` first: a member that says it can not serve (a
    /// learner, one without a leader or still starting), or says nothing, is passed over. To be called before connect().
    void pass_over_unfit(range_query probe) { probe_ = std::move(probe); }

    /// While another than the first endpoint is in use, those before it are tried now and then, with the probe. When one answers, as a
    /// member of the same cluster, the next connect() begins there, and `listener` is told. The longer apart, the sooner after going back
    /// it had to be left again. To be called once, before connect(); this stays where it is from
    /// then on.
    void watch_for_return(std::function<void()> listener);

    /// The endpoint the next connect() begins with.
    [[nodiscard]] const net::endpoint& preferred() const { return options_.endpoints[preferred_]; }

    [[nodiscard]] std::chrono::milliseconds request_timeout() const { return options_.request_timeout; }
    [[nodiscard]] aio::clock& clock() const { return *clock_; }

private:
    using channel_result = result<std::shared_ptr<net::channel>>;

    aio::awaitable<channel_result> open(net::endpoint to, net::channel_options options);
    aio::awaitable<channel_result> log_in(std::shared_ptr<net::channel> on);
    void use(std::size_t which, const std::vector<std::optional<error>>& failed);
    aio::awaitable<> look_for_better();
    aio::awaitable<bool> answers(net::endpoint to);
    aio::awaitable<std::optional<error>> why_unfit(std::shared_ptr<net::channel> member);
    void prefer(std::size_t which);

    net::dialer* dialer_;
    aio::clock* clock_;
    aio::task_group* tasks_;
    cluster_options options_;
    std::size_t preferred_ = 0;
    std::optional<range_query> probe_;
    std::uint64_t asked_cluster_ = 0;  ///< of the member asked last
    std::uint64_t cluster_id_ = 0;     ///< of the member in use, as far as the probe tells; 0: not known
    struct return_watch {
        void came_to_nothing(aio::clock::time_point now, std::chrono::milliseconds interval);

        std::function<void()> listener;
        std::chrono::milliseconds pause;
        std::size_t to = 0;             ///< the endpoint gone back to ...
        aio::clock::time_point last{};  ///< ... and when
        bool running = false;
    };
    std::optional<return_watch> return_;
};

}  // namespace etcdsync::etcd
