// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/key_range.hpp"

#include <string>
#include <vector>

/// The permissions that the users of the clusters need for a configuration to work. Pure: no etcd is contacted.
namespace etcdsync::replication {

/// Keys that must be readable, and with `write` writable, too.
struct permission {
    enum class subject : std::uint8_t {
        all_rules,  ///< what the one watch of consistency = "all" covers
        rule,       ///< `rule` by itself
        record,     ///< where etcd-sync keeps its place
    };
    subject of = subject::rule;
    std::string rule;  ///< its name
    keys::key_range keys;
    bool write = false;

    friend bool operator==(const permission&, const permission&) = default;
};

/// On the master, in this mode: what the feed watches. Rules no slave takes need nothing.
[[nodiscard]] std::vector<permission> needed_on_master(const config::config& settings, config::consistency_mode mode);

/// On a slave: the record (in consistency = "rule" those of its rules; the records of the other mode are looked at where that is
/// allowed, but not needed), then what each rule is mapped to. Intervals that nothing is written to are left out, so a rule has one
/// or several.
[[nodiscard]] std::vector<permission> needed_on_slave(const config::config& settings, const config::slave& slave);

}  // namespace etcdsync::replication
