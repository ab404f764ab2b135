// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"

#include <set>
#include <string>

namespace etcdsync::replication {

/// What a new configuration changes in a running replicator.
struct reconfiguration {
    bool rebuild_all = false;       ///< the master, the instance or a setting of everything changed: nothing stays
    std::set<std::string> kept;     ///< slaves whose links keep their connection and position
    std::set<std::string> rebuilt;  ///< slaves whose links are stopped and built anew
    std::set<std::string> added;    ///< slaves that are new
    std::set<std::string> removed;  ///< slaves that are gone
    std::set<std::string> paused;   ///< slaves, kept or rebuilt, whose `paused` became true
    std::set<std::string> resumed;  ///< slaves, kept or rebuilt, whose `paused` became false
    /// Feeds, by rule ("": the one of consistency = "all"), that stay but read other keys.
    std::set<std::string> reselect;

    friend bool operator==(const reconfiguration&, const reconfiguration&) = default;
};

/// Decides what can stay when `to` takes the place of `from`. A slave stays if neither its own settings nor its rules changed.
/// Pure.
[[nodiscard]] reconfiguration plan_changes(const config::config& from, const config::config& to);

}  // namespace etcdsync::replication
