// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/interval_index.hpp"
#include "keys/key_range.hpp"
#include "replication/mapping/compiled_rule.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// The rules of one slave, compiled once and shared by all mappings made of them. Immutable. The cost of a look-up does not depend
/// on the number of rules, but on how many globs could match the same key.
class rule_table {
public:
    /// `rules` are in the order of the configuration. `prefix` precedes every destination key.
    rule_table(const std::vector<config::rule>& rules, std::string_view prefix, std::string_view checkpoint_prefix);

    [[nodiscard]] const compiled_rule& operator[](std::size_t rule) const { return rules_[rule]; }
    [[nodiscard]] std::size_t size() const { return rules_.size(); }
    [[nodiscard]] auto begin() const { return rules_.begin(); }
    [[nodiscard]] auto end() const { return rules_.end(); }

    /// True if no pattern of any rule picks single keys.
    [[nodiscard]] bool takes_intervals() const { return takes_intervals_; }
    /// True if deletes on the master delete on the slave, for all rules.
    [[nodiscard]] bool replays_deletes() const { return replays_deletes_; }

    /// The first rule that takes `key` of the master.
    [[nodiscard]] std::optional<std::size_t> rule_of(std::string_view key) const;

    /// The parts of the range of `rule` that earlier rules take as a whole.
    [[nodiscard]] std::vector<keys::key_range> taken_before(std::size_t rule) const;

    /// The keys of all checkpoints, which no rule takes, on both sides.
    [[nodiscard]] const keys::key_range& checkpoints() const { return checkpoints_; }

    /// Changes whenever another key is taken or a key goes elsewhere. With `only`: whenever that is true of the keys of this rule.
    [[nodiscard]] std::string digest(std::optional<std::size_t> only) const;

private:
    std::vector<compiled_rule> rules_;
    keys::key_range checkpoints_;
    std::uint64_t prefixes_digest_;
    bool takes_intervals_;
    bool replays_deletes_;
    keys::interval_index ranges_;      ///< of all rules
    keys::interval_index candidates_;  ///< for each key: the rules that may take it, up to one that does
};

}  // namespace etcdsync::replication
