// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/process/foreground.hpp"
#include "app/render/slave_result.hpp"
#include "config/config.hpp"
#include "observe/progress.hpp"
#include "replication/compare/inspection.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace etcdsync::app {

/// Inspects one slave of a configuration after the other; in consistency = "rule" one rule of it after the other, each by itself.
class inspector {
public:
    struct options {
        bool at_present = false;  ///< as replication::inspection_settings
        bool approve = false;
    };
    struct listener {
        /// Hears of every difference; false ends the part.
        std::function<bool(const part&, const replication::difference&)> found;
        /// Hears how each part ended; false ends it all.
        std::function<bool(const part&, const replication::inspection_report&)> done;
    };

    /// `settings` outlives it.
    inspector(foreground& at, const config::config& settings, const options& how)
        : at_(at), settings_(settings), options_(how), to_master_(options_for(settings.master)) {}

    /// All parts of a slave but those of the rules `without`. What fails for the cause of one rule leaves the others their turn. Ends at
    /// once, with failures of class cancelled, where the command is asked to stop.
    aio::awaitable<> inspect(const config::slave& slave, const std::set<std::string>& without, const listener& results);

    /// Of the slave that is inspected now.
    [[nodiscard]] std::vector<observe::progress> progress();

private:
    struct job;
    aio::awaitable<replication::inspection_report> inspect_one(const job& what, const listener& results);
    [[nodiscard]] etcd::cluster_options options_for(const config::cluster& of);

    foreground& at_;
    const config::config& settings_;
    options options_;
    etcd::cluster_options to_master_;
    std::string name_;
    const replication::inspection* current_ = nullptr;
    observe::rate_meter rate_;
};

/// A failure that every rule would meet: the peer is not reachable, or it rejects the user. A missing permission concerns one rule.
[[nodiscard]] bool fails_for_all_rules(const etcd::error& why);

}  // namespace etcdsync::app
