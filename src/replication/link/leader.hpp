// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/event.hpp"
#include "aio/subscription.hpp"
#include "base/backoff.hpp"
#include "etcd/cluster.hpp"
#include "replication/link/leader_client.hpp"
#include "replication/link/leadership.hpp"
#include "replication/status/context.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace etcdsync::replication {

/// What a link tells the leader of its slave.
struct led_link {
    std::function<bool()>
        is_connected;  ///< it has reached the slave: otherwise the leader would fail for the same cause
    std::function<bool()> is_paused;
    std::function<bool()> is_held;
    std::function<bool()> sees_master;          ///< its master is connected
    std::function<std::uint64_t()> cluster_id;  ///< of its master
};

/// Leads one slave, or stands by: keeps the leader key, watches it, and tells the links of the slave whether they may write. It
/// does what `leadership` decides, on a connection of its own.
class leader {
public:
    leader(const context& with, leader_settings settings, etcd::cluster slave, const base::process_table* processes);
    leader(const leader&) = delete;

    /// Adds a link of the slave, which outlives run().
    void add(led_link link) { links_.push_back(std::move(link)); }

    /// Ends after stop(), or by cancellation.
    aio::awaitable<> run();

    /// Revokes the lease, and ends run(). Call it when no link writes any more.
    void stop();
    [[nodiscard]] bool ended() const { return ended_; }

    [[nodiscard]] const leadership& state() const { return state_; }

    /// Looks at the slave now. was_checked() is true as soon as a read that began after this call has shown who leads.
    std::uint64_t request_check();
    [[nodiscard]] bool was_checked(std::uint64_t number) const { return checked_ >= number; }

    /// Something that a link tells has changed.
    void attend();

    /// Why the slave cannot be asked; empty if it can.
    [[nodiscard]] const std::string& failure() const { return failure_; }

    /// `listener` is called whenever the state may have changed. It must not await.
    [[nodiscard]] aio::subscription on_change(std::function<void()> listener) {
        return listeners_.subscribe(std::move(listener));
    }

private:
    using time_point = aio::clock::time_point;

    aio::awaitable<etcd::error> serve();
    aio::awaitable<std::optional<etcd::error>> turn(leader_client& slave);
    aio::awaitable<etcd::result<leadership::step>> decide(leader_client& slave);
    aio::awaitable<etcd::result<bool>> carry_out(leader_client& slave, leadership::step what);
    aio::awaitable<std::optional<etcd::error>> rest(leader_client& slave);
    aio::awaitable<> pause(std::chrono::milliseconds how_long);
    [[nodiscard]] bool is_needed() const;
    /// Between two reads of the leader key.
    [[nodiscard]] std::chrono::milliseconds interval(bool watching) const;
    void ask_links();
    void refused(const etcd::error& why);
    /// After a failed renewal: true if this process works without the leader key from now on.
    bool gives_up_renewals(const etcd::error& why, const leader_client& slave);
    void report();

    const context& with_;
    leader_settings settings_;
    etcd::cluster slave_;
    leadership state_;
    base::backoff pauses_;
    aio::event wake_;
    aio::listeners listeners_;
    std::vector<led_link> links_;
    held_lease lease_;
    leader_view seen_;
    time_point last_read_{};
    std::uint64_t requested_ = 0;  ///< checks
    std::uint64_t checked_ = 0;
    unsigned failed_renewals_ = 0;                ///< in a row, on working connections
    std::optional<etcd::error> renewal_refusal_;  ///< until try_again_ it is not tried with a key
    time_point try_again_{};
    bool attention_ = false;
    bool stopping_ = false;
    bool ended_ = false;
    bool stood_by_ = false;     ///< since this process led last
    bool logged_wait_ = false;  ///< for a previous process
    std::string logged_refusal_;
    std::string failure_;
};

}  // namespace etcdsync::replication
