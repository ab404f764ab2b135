// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_client.hpp"
#include "support/processes.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace etcdsync::test {

/// A cluster of three etcds on loopback. Each member serves all keys.
class etcd_cluster {
public:
    static constexpr std::size_t size = 3;

    /// Each member gets `flags` and `listener`.
    explicit etcd_cluster(const std::vector<std::string>& flags = {}, const listener_options& listener = {},
                          role side = role::slave);
    explicit etcd_cluster(role side) : etcd_cluster({}, {}, side) {}

    void start();  ///< starts all members and waits until each of them answers

    [[nodiscard]] etcd_server& member(std::size_t i) { return members_.at(i); }
    [[nodiscard]] etcd_client& at(std::size_t i) { return clients_.at(i); }

    /// Waits for a leader and returns it, by the status of the members. Members that do not answer
    /// are skipped.
    std::size_t leader();
    /// A member that is not the leader.
    std::size_t follower();

    /// All endpoints, starting with member `first`.
    [[nodiscard]] endpoint_list endpoints(std::size_t first = 0) const;

private:
    std::deque<etcd_server> members_;
    std::deque<etcd_client> clients_;
};

}  // namespace etcdsync::test
