// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "replication/link/database_alert.hpp"
#include "replication/status/context.hpp"
#include "replication/status/reporter.hpp"

#include <memory>
#include <optional>

namespace etcdsync::replication {

/// Asks a slave for the size of its database when it is connected, then every five minutes, and warns when it is nearly full. Of a
/// slave with several members only the one in use is asked. If a slave does not report it, there is no warning.
class database_watch {
public:
    /// Both outlive the tasks of `with`.
    database_watch(const context& with, const reporter& report) : with_(&with), report_(&report) {}

    /// The slave is in use over `on`, as long as that is usable.
    void use(const std::shared_ptr<net::channel>& on);

private:
    void look_if_due();
    aio::awaitable<> look(std::shared_ptr<net::channel> on);

    const context* with_;
    const reporter* report_;
    std::weak_ptr<net::channel> on_;
    database_alert alert_;
    std::optional<aio::clock::time_point> next_look_;
    std::optional<aio::alarm> alarm_;
};

}  // namespace etcdsync::replication
