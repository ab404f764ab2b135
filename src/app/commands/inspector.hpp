// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/environment.hpp"
#include "app/daemon/slave_result.hpp"
#include "config/config.hpp"
#include "observe/progress.hpp"
#include "replication/compare/inspection.hpp"
#include "replication/setup/job.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace etcdsync::app {

/// Inspects the slaves of a configuration one after another; in consistency = "rule" each rule by itself.
class inspector {
public:
    struct options {
        bool at_present = false;  ///< as replication::inspection_settings
        bool approve = false;
        replication::adoption foreign = replication::adoption::none;  ///< with `approve`
        std::optional<std::int64_t> max_behind;                       ///< revisions
    };
    struct listener {
        /// Called for every difference; false ends the part.
        std::function<bool(const part&, const replication::difference&)> found;
        /// Called at the end of each part; false ends the inspection.
        std::function<bool(const part&, const replication::inspection_report&)> done;
    };

    /// `settings` outlives it.
    inspector(environment with, const config::config& settings, const options& how)
        : env_(std::move(with)), settings_(settings), options_(how), to_master_(options_for(settings.master)) {}

    /// Inspects all parts of a slave, except those of the rules `without`. If a part fails because of its rule, the others are still
    /// inspected. Ends at once, with failures of class cancelled, if a signal asks to stop.
    aio::awaitable<> inspect(const config::slave& slave, const std::set<std::string>& without, const listener& results);

    /// The progress of the slave that is being inspected.
    [[nodiscard]] std::vector<observe::progress> progress();

private:
    struct job;
    aio::awaitable<replication::inspection_report> inspect_one(job what, const listener& results);
    aio::awaitable<replication::inspection_report> compare(const job& what, replication::inspection::listener found);
    [[nodiscard]] etcd::cluster_options options_for(const config::cluster& of);

    environment env_;
    const config::config& settings_;
    options options_;
    etcd::cluster_options to_master_;
    std::string name_;
    const replication::inspection* current_ = nullptr;
    observe::rate_meter rate_;
};

/// True if this failure of a peer concerns every rule: it is unreachable, or rejects the user. A missing permission concerns one rule.
[[nodiscard]] bool fails_for_all_rules(const etcd::error& why);

}  // namespace etcdsync::app
