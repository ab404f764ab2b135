// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/key_range.hpp"
#include "replication/mapping/rule_table.hpp"
#include "replication/mapping/segments.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace etcdsync::replication {

/// The rules of one slave (design.md section 3): which keys of the master it takes and where it stores them. A key of the master
/// belongs to the first rule that matches it, and maps to one key of the slave or to none.
class mapping {
public:
    explicit mapping(std::shared_ptr<const rule_table> rules) : mapping(std::move(rules), std::nullopt) {}

    /// The mapping of the keys that rule `only` takes. Every key that the mapping of all rules
    /// takes is in exactly one of the mappings of single rules, with the same destination. Their
    /// segments on the slave are disjoint, unless patterns pick single keys out of an interval that
    /// two rules share: then the segments overlap, and to_slave() and to_master() find the rule of
    /// a key.
    static mapping of_one_rule(std::shared_ptr<const rule_table> rules, std::size_t only) {
        return {std::move(rules), only};
    }

    /// Returns the rule that takes `key` of the master, and stores in `out` the key it maps to,
    /// which may be a hole. Returns nothing if no rule takes it.
    [[nodiscard]] std::optional<std::size_t> map(std::string_view key, std::string& out) const;

    /// True for keys of the slave that are never written: the empty key, and keys under the
    /// checkpoint prefix.
    [[nodiscard]] bool is_hole(std::string_view slave_key) const;

    /// Stores in `out` the key of the slave for `key` of the master. False if no rule takes the
    /// key, or if it maps to a hole.
    [[nodiscard]] bool to_slave(std::string_view key, std::string& out) const;

    /// The same, for the keys of one segment only: if sources overlap, a key belongs to one of
    /// them. Returns the rule that takes the key.
    [[nodiscard]] std::optional<std::size_t> to_slave(const segment& where, std::string_view key,
                                                      std::string& out) const;

    /// Stores in `out` the key of the master that maps to `key` of the slave, which must lie in the
    /// target of `where`, and returns the rule. Returns nothing if no rule writes that key: then
    /// the key is not ours.
    [[nodiscard]] std::optional<std::size_t> to_master(const segment& where, std::string_view key,
                                                       std::string& out) const;

    /// The index of the rule that takes `key` of the master. In the mapping of one rule: nothing if
    /// another rule takes it.
    [[nodiscard]] std::optional<std::size_t> rule_of(std::string_view key) const;

    /// True if deletes on the master delete on the slave, for a rule by index.
    [[nodiscard]] bool replays_deletes(std::size_t rule) const { return (*rules_)[rule].replays_deletes; }
    [[nodiscard]] const std::string& name_of(std::size_t rule) const { return (*rules_)[rule].name; }
    [[nodiscard]] std::size_t rules() const { return rules_->size(); }

    /// True where every key of the segments' sources is taken: no pattern picks single keys out of them, so that counting
    /// the sources' keys is counting ours.
    [[nodiscard]] bool takes_whole_segments() const { return rules_->takes_intervals(); }

    /// True if every possible key of a target is the image of one key of the source, by rules that
    /// replay deletes. Then a range that is empty on the master may be deleted as a range on the
    /// slave.
    [[nodiscard]] bool maps_ranges() const { return maps_ranges_; }

    /// In the order of their targets, which are disjoint.
    [[nodiscard]] const std::vector<segment>& segments() const { return segments_; }

    /// The smallest interval of the master's keys that contains every key some rule may take.
    [[nodiscard]] const keys::key_range& cover() const { return cover_; }

    /// Changes whenever a result of to_slave() may change; stored in checkpoints.
    [[nodiscard]] const std::string& digest() const { return digest_; }

private:
    mapping(std::shared_ptr<const rule_table> rules, std::optional<std::size_t> only);

    std::shared_ptr<const rule_table> rules_;
    std::optional<std::size_t> only_;
    keys::key_range cover_;
    std::vector<segment> segments_;
    std::string digest_;
    bool maps_ranges_;
};

/// With more segments than this, keys are not counted: each segment costs a request.
inline constexpr std::size_t most_segments_to_count = 64;

}  // namespace etcdsync::replication
