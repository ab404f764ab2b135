// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "unit/replication/support.hpp"
#include "unit/replication/world.hpp"

#include <algorithm>
#include <string>

namespace etcdsync::replication {

/// A world with a second slave: "default" mirrors /a/, "other" is configured by the test.
struct two_slaves : world {
    two_slaves() {
        config::slave other_slave = settings.slaves[0];
        other_slave.name = "other";
        other_slave.endpoints[0].url = "http://other:1";
        other_slave.endpoints[0].host = "other";
        settings.slaves.push_back(other_slave);
        settings.rules[0].name = "a";
    }
    ~two_slaves() { stop(); }
    two_slaves(const two_slaves&) = delete;

    /// True if `of` has exactly the keys of the master below `prefix`.
    [[nodiscard]] bool is_copied(const test::model_etcd& of, const std::string& prefix) const {
        return below(of, prefix) == below(master, prefix);
    }
    /// Waits until both slaves are reported in sync and have the keys below their prefixes. False after `patience`.
    bool both_settle(const std::string& first = "/a/", const std::string& second = "/a/",
                     aio::clock::duration patience = std::chrono::minutes(2)) {
        return eventually(
            [&] {
                return link("default").state == link_state::in_sync && is_copied(slave, first) &&
                       link("other").state == link_state::in_sync && is_copied(other, second);
            },
            patience);
    }

    /// Adds a rule for the keys below `prefix`, and returns its index.
    std::size_t add_rule(const std::string& prefix) {
        config::rule rule = prefix_rule(prefix);
        rule.name = prefix;
        settings.rules.push_back(rule);
        return settings.rules.size() - 1;
    }

    /// The number of times that etcd-sync has connected to an endpoint.
    [[nodiscard]] auto dials(const std::string& host) const {
        return std::ranges::count(dialer.dialed(), "http://" + host + ":1");
    }

    test::model_etcd other;
    test::model_server other_server{loop, dialer, "http://other:1", other};

private:
    static test::key_map below(const test::model_etcd& of, const std::string& prefix) {
        test::key_map out = of.keys();
        std::erase_if(
            out, [&](const auto& key) { return !key.first.starts_with(prefix) || key.first.starts_with(checkpoints); });
        return out;
    }
};

}  // namespace etcdsync::replication
