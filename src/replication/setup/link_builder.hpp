// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "replication/setup/feed_plan.hpp"
#include "replication/setup/job.hpp"
#include "replication/setup/running.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace etcdsync::replication {

/// Builds feeds and links for a configuration, and owns what they share. It outlives them.
class link_builder {
public:
    /// `env` outlives this.
    link_builder(const environment& env, const job& what);

    /// From now on builds for `settings`. The connections to the master, and the probe interval, keep their former settings
    /// unless this is the first call or `rebuild_all` is true.
    void use(std::shared_ptr<const config::config> settings, bool rebuild_all);

    /// Forgets how to connect to the slaves that are not `kept`: their settings are read again by the next link.
    void keep_slaves(const std::set<std::string>& kept);

    /// A feed that does not run yet.
    [[nodiscard]] std::unique_ptr<running_feed> build_feed(const feed_plan& plan, std::size_t log_bytes) const;

    /// A link that does not run yet, paused if its slave is (except in a one-shot job). `rule`: of the feed.
    [[nodiscard]] std::unique_ptr<running_link> build_link(const link_plan& plan, const std::string& rule, feed& source,
                                                           leader* led_by);

    /// The leader of the slave of `plan`, which does not run yet. Null for a one-shot job: it works beside a daemon.
    [[nodiscard]] std::unique_ptr<running_leader> build_leader(const link_plan& plan);

    [[nodiscard]] const std::shared_ptr<const config::config>& settings() const { return settings_; }

private:
    [[nodiscard]] etcd::cluster_options options_for(const config::cluster& of) const;
    const etcd::cluster_options& options_of_slave(const config::slave& slave);

    const environment& env_;
    job job_;
    common_settings common_;
    std::shared_ptr<const config::config> settings_;
    work_permits permits_;
    etcd::cluster_options to_master_;
    std::map<std::string, etcd::cluster_options> to_slaves_;  ///< by name; shared by the links of a slave
};

}  // namespace etcdsync::replication
