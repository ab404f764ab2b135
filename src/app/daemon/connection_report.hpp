// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/exit_code.hpp"
#include "app/daemon/slave_result.hpp"
#include "replication/setup/permissions.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The findings of `check-config --connect`, and their evaluation.
namespace etcdsync::app {

struct endpoint_answer {
    std::string url;
    outcome how = outcome::good;
    std::string cause;             ///< of a failure
    std::uint64_t cluster_id = 0;  ///< of the cluster that it belongs to; 0: unknown
    bool auth_disabled = false;    ///< a user is configured, but authentication is disabled: the password was not tried
};

struct permission_answer {
    replication::permission of;
    bool read = false;
    bool write = false;  ///< only asked if needed; false if it could not be asked

    [[nodiscard]] bool good() const { return read && (write || !of.write); }
};

/// The findings about one cluster.
struct cluster_report {
    bool is_master = false;
    std::string name;         ///< of a slave
    std::string user;         ///< empty: none is configured
    std::string certificate;  ///< file of our client certificate; without `user` its CN is the user
    std::vector<endpoint_answer> endpoints;
    std::vector<permission_answer> permissions;  ///< those that could be asked
    /// On the master, in consistency = "all": what "rule" needs is granted, and what "all" needs is not.
    bool rule_mode_would_do = false;
    outcome how = outcome::good;  ///< of asking for permissions, if an endpoint was usable
    std::string cause;            ///< why that ended early
};

/// Marks endpoints that belong to another cluster than the first one: `all` are configured as one cluster.
void check_membership(std::vector<endpoint_answer>& all);

/// Every permission that was asked is granted.
[[nodiscard]] bool all_granted(const cluster_report& one);

/// ok; or denied if a cluster denies access or a permission is missing, else unreachable if an endpoint is, else failed.
[[nodiscard]] exit_code code_for(const std::vector<cluster_report>& all);

}  // namespace etcdsync::app
