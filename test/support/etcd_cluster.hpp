// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_client.hpp"
#include "support/processes.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace etcdsync::test {

/// Three etcds that form one cluster on loopback. All of it is seen through any member.
class etcd_cluster {
public:
    static constexpr std::size_t size = 3;

    /// `flags` and `door` go to each member.
    explicit etcd_cluster(const std::vector<std::string>& flags = {}, const front_door& door = {},
                          role plays = role::slave);
    explicit etcd_cluster(role plays) : etcd_cluster({}, {}, plays) {}

    void start();  ///< all members, and waits until each of them answers

    [[nodiscard]] etcd_server& member(std::size_t i) { return members_.at(i); }
    [[nodiscard]] etcd_client& at(std::size_t i) { return clients_.at(i); }

    /// The member that leads now, in its own words; waits for one. Members that do not answer are not asked for long.
    std::size_t leader();
    /// A member that does not lead.
    std::size_t follower();

    /// All endpoints, member `first` before the others.
    [[nodiscard]] endpoint_list endpoints(std::size_t first = 0) const;

private:
    std::deque<etcd_server> members_;
    std::deque<etcd_client> clients_;
};

}  // namespace etcdsync::test
