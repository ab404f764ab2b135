// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/foreground.hpp"
#include "config/config.hpp"
#include "observe/progress.hpp"
#include "replication/inspection.hpp"

#include <string>
#include <vector>

namespace etcdsync::app {

/// Inspects one slave of a configuration after the other.
class inspector {
public:
    struct options {
        bool at_present = false;  ///< as replication::inspection_settings
        bool approve = false;
    };
    /// `settings` outlives it.
    inspector(foreground& at, const config::config& settings, const options& how)
        : at_(at), settings_(settings), options_(how) {}

    /// Ends at once, with a failure of class cancelled, where the command is asked to stop.
    aio::awaitable<replication::inspection_report> inspect(const config::slave& slave,
                                                           replication::inspection::listener tell);

    /// Of the slave that is inspected now.
    [[nodiscard]] std::vector<observe::progress> progress();

private:
    aio::awaitable<replication::inspection_report> inspect_one(const config::slave& slave,
                                                               const replication::wanted_record& record,
                                                               replication::inspection::listener tell);
    [[nodiscard]] replication::inspection_settings settings_for(const config::slave& slave,
                                                                const std::string& record) const;

    foreground& at_;
    const config::config& settings_;
    options options_;
    std::string name_;
    const replication::inspection* current_ = nullptr;
    observe::rate_meter rate_;
};

}  // namespace etcdsync::app
