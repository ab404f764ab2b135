// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/txn.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/master/log.hpp"
#include "support/builders.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace etcdsync::replication {

inline constexpr const char* checkpoints = "/.etcd-sync/";

/// Build rules.
inline config::rule prefix_rule(std::string prefix, std::string strip = {}, std::string dest = {}) {
    config::rule out;
    out.select.form = config::selector::kind::prefix;
    out.select.begin = std::move(prefix);
    out.strip = std::move(strip);
    out.dest = std::move(dest);
    return out;
}

inline config::rule key_rule(std::string key, std::string strip = {}, std::string dest = {}) {
    config::rule out = prefix_rule(std::move(key), std::move(strip), std::move(dest));
    out.select.form = config::selector::kind::key;
    return out;
}

inline config::rule range_rule(std::string begin, std::string end, std::string strip = {}, std::string dest = {}) {
    config::rule out = prefix_rule(std::move(begin), std::move(strip), std::move(dest));
    out.select.form = config::selector::kind::range;
    out.select.end = std::move(end);
    return out;
}

inline mapping mapping_of(const std::vector<config::rule>& rules, std::string_view prefix = {}) {
    return mapping(std::make_shared<const rule_table>(rules, prefix, checkpoints));
}

inline mapping mapping_of_one(const std::vector<config::rule>& rules, std::size_t only, std::string_view prefix = {}) {
    return mapping::of_one_rule(std::make_shared<const rule_table>(rules, prefix, checkpoints), only);
}

/// The key on the slave, or "-" if the key is not mapped.
inline std::string slave_key(const mapping& keys, std::string_view key) {
    std::string out;
    return keys.to_slave(key, out) ? out : std::string("-");
}

/// A revision as in the log.
inline log_entry entry(etcd::revision rev, std::vector<test::built_event> events) {
    etcd::watch_message message = test::events_message(std::move(events), rev);
    log_entry out;
    out.rev = rev;
    out.changes = std::move(message.response.events);
    out.owners.push_back(message.response.owner);
    out.bytes = out.owners[0]->size();
    return out;
}

/// The keys and values of a store.
using store = std::map<std::string, std::string>;

/// Applies `writes` to a slave.
template <class Writes>
void apply(const Writes& writes, store& to) {
    for (const etcd::operation& write : writes) {
        if (write.type == etcd::event_type::put)
            to[std::string(write.key)] = std::string(write.value);
        else
            to.erase(std::string(write.key));
    }
}

}  // namespace etcdsync::replication
