// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "replication/master/revision_assembler.hpp"
#include "replication/record/record_set.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// Which feeds and links a configuration needs. Pure.
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

}  // namespace etcdsync::replication
