// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/exit_code.hpp"
#include "app/render/slave_result.hpp"
#include "replication/setup/permissions.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// What `check-config --connect` found, and how it is printed. Pure.
namespace etcdsync::app {

struct endpoint_answer {
    std::string url;
    outcome how = outcome::good;
    std::string cause;             ///< empty where it is good
    std::uint64_t cluster_id = 0;  ///< of the cluster it is a member of; 0: unknown
    bool users_off = false;  ///< a user is configured, but authentication is disabled there: the password was not tried
};

struct permission_answer {
    replication::permission of;
    bool read = false;
    bool write = false;  ///< only checked if needed; false if it could not be checked

    [[nodiscard]] bool good() const { return read && (write || !of.write); }
};

/// Of one cluster.
struct cluster_report {
    bool is_master = false;
    std::string name;         ///< of a slave
    std::string user;         ///< empty: none is configured
    std::string certificate;  ///< the file of ours; without `user` its CN is one
    std::vector<endpoint_answer> endpoints;
    std::vector<permission_answer> permissions;  ///< as far as they could be checked
    /// On the master, in consistency = "all": what "rule" needs is granted, and what "all" needs is not.
    bool rule_mode_would_do = false;
    outcome how = outcome::good;  ///< of asking for permissions, where an endpoint was usable
    std::string cause;            ///< why that ended early
};

/// Marks endpoints of another cluster than the first as unavailable: `all` are the endpoints of one cluster.
void judge_membership(std::vector<endpoint_answer>& all);

/// 0: all is well. 77 where some cluster refuses us, or lacks a permission; else 69 where an endpoint is not reachable; else 1.
[[nodiscard]] exit_code code_for(const std::vector<cluster_report>& all);

/// A line for each endpoint, and each rule or what is wrong with it; below what is denied, the command that grants it. `bad_only` leaves
/// out what is good.
[[nodiscard]] std::string lines_of(const cluster_report& one, bool bad_only);

[[nodiscard]] boost::json::object json_of(const cluster_report& one);

}  // namespace etcdsync::app
