// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "replication/link/leader_client.hpp"
#include "replication/link/link_settings.hpp"
#include "replication/master/revision_assembler.hpp"
#include "replication/record/record_set.hpp"
#include "replication/setup/job.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// Which feeds and links a configuration needs, and with which settings. Pure.
namespace etcdsync::replication {

/// One link: all of a slave, or in consistency = "rule" one rule of it.
struct link_plan {
    std::string slave;
    std::shared_ptr<const record_set> records;  ///< all of the slave
    std::size_t record = 0;                     ///< the one of this link, in records->wanted()

    [[nodiscard]] const wanted_record& wanted() const { return records->wanted()[record]; }
};

/// One feed and the links that read from it: all links, or in consistency = "rule" those of one rule. Feeds share nothing.
struct feed_plan {
    std::string rule;  ///< in consistency = "rule"
    std::vector<link_plan> links;

    /// Holds every key that a link takes.
    [[nodiscard]] keys::key_range cover() const;
    /// The keys that a link takes.
    [[nodiscard]] revision_assembler::selector selector() const;
};

/// In the order of the rules; none for a rule that no slave uses. The links of a feed are in the order of the slaves.
[[nodiscard]] std::vector<feed_plan> plan_feeds(const config::config& settings);

/// The memory for the log of each of `feeds`.
[[nodiscard]] std::size_t log_bytes_per_feed(const config::replication& replicate, std::size_t feeds);

/// The settings of the leader of the slave of `plan`.
[[nodiscard]] leader_settings plan_leader(const config::config& settings, const link_plan& plan);

/// The settings of a link. `rule` is the one of its feed, which selects the link's keys since `log_since`.
[[nodiscard]] link_settings plan_settings(const config::config& settings, const job& what, const link_plan& plan,
                                          const std::string& rule, const log_start& log_since);

}  // namespace etcdsync::replication
