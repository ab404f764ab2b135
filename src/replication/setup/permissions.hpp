// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/key_range.hpp"

#include <string>
#include <vector>

/// The permissions that the users of the clusters need for a configuration to work. Pure: no etcd is contacted.
namespace etcdsync::replication {

/// Keys that the user must be able to read and, with `write`, also to write.
struct permission {
    enum class subject : std::uint8_t {
        all_rules,   ///< the range of the single watch of consistency = "all"
        rule,        ///< the keys of one rule
        checkpoint,  ///< the key of a checkpoint
    };
    subject of = subject::rule;
    std::string rule;  ///< the name of the rule
    keys::key_range keys;
    bool write = false;

    friend bool operator==(const permission&, const permission&) = default;
};

/// The permissions on the master in this mode: what the feed watches. Rules that no slave takes
/// need none.
[[nodiscard]] std::vector<permission> needed_on_master(const config::config& settings, config::consistency_mode mode);

/// The permissions on a slave: its checkpoints (in consistency = "rule" those of its rules; the
/// checkpoints of the other mode are read if that is allowed, but not required), then the target of
/// each rule. Intervals that are never written are left out, so a rule has one or several.
[[nodiscard]] std::vector<permission> needed_on_slave(const config::config& settings, const config::slave& slave);

}  // namespace etcdsync::replication
