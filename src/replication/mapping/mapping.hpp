// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/key_range.hpp"
#include "keys/pattern.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// An interval of the master and the interval of a slave it lands on. Inside, order is kept: a < b on the master exactly where
/// their images are a < b on the slave. What exclude patterns and the checkpoint prefix cut out as whole intervals is in no
/// segment.
struct segment {
    keys::key_range source;
    keys::key_range target;
    keys::mapping keys;  ///< strip and dest, canonical
};

/// What one slave takes of the master and where it puts it: the rules of design.md section 3, compiled. A key of the master
/// belongs to the first rule that matches it and lands on one key of the slave, or on none.
class mapping {
public:
    /// `rules` in the order of the configuration; `prefix` goes before every destination key.
    mapping(const std::vector<config::rule>& rules, std::string_view prefix, std::string_view checkpoint_prefix);

    /// What rule `only` of them takes, and no other: every key the whole mapping takes is in exactly one of these, with the same
    /// destination. Their segments on the slave are disjoint, but where patterns pick single keys out of a stretch that two rules
    /// share: there the segments overlap, and to_slave() and to_master() find the rule of a key.
    static mapping of_one_rule(const std::vector<config::rule>& rules, std::size_t only, std::string_view prefix,
                               std::string_view checkpoint_prefix);

    /// The rule that takes `key` of the master, and in `out` the key it maps to, which may be a hole. Nothing if no rule takes it.
    [[nodiscard]] std::optional<std::size_t> map(std::string_view key, std::string& out) const;

    /// True if no key of the slave is written there: the empty key, or one under the checkpoint prefix.
    [[nodiscard]] bool is_hole(std::string_view slave_key) const;

    /// The key of the slave for `key` of the master, in `out`. False where no rule takes it, or it maps to the empty key or into
    /// the checkpoint prefix (a hole).
    [[nodiscard]] bool to_slave(std::string_view key, std::string& out) const;

    /// The same, for the keys of one segment only: where sources overlap, a key belongs to one of them. The rule that takes it.
    [[nodiscard]] std::optional<std::size_t> to_slave(const segment& where, std::string_view key,
                                                      std::string& out) const;

    /// The key of the master behind `key` of the slave, which must lie in the target of `where`, and the rule. Nothing where no
    /// rule puts a key there: then it is none of our business.
    [[nodiscard]] std::optional<std::size_t> to_master(const segment& where, std::string_view key,
                                                       std::string& out) const;

    /// The rule that takes `key` of the master, by index; of one rule's mapping: nothing where it is another.
    [[nodiscard]] std::optional<std::size_t> rule_of(std::string_view key) const;

    /// Of a rule by index: deletes on the master are deletes on the slave.
    [[nodiscard]] bool replays_deletes(std::size_t rule) const { return rules_[rule].replays_deletes; }
    [[nodiscard]] const std::string& name_of(std::size_t rule) const { return rules_[rule].name; }
    [[nodiscard]] std::size_t rules() const { return rules_.size(); }

    /// True where every key of the segments' sources is taken: no pattern picks single keys out of them, so that counting
    /// the sources' keys is counting ours.
    [[nodiscard]] bool takes_whole_segments() const { return takes_whole_segments_; }

    /// True where every key that can stand in a target is the image of one key of the source, by rules that replay deletes: then a
    /// range that is empty on the master may be emptied on the slave as a range.
    [[nodiscard]] bool maps_ranges() const { return maps_ranges_; }

    /// In the order of their targets, disjoint there.
    [[nodiscard]] const std::vector<segment>& segments() const { return segments_; }

    /// The least interval of the master that holds every key some rule may take.
    [[nodiscard]] const keys::key_range& cover() const { return cover_; }

    /// Changes whenever the outcome of to_slave() may: kept in checkpoints.
    [[nodiscard]] const std::string& digest() const { return digest_; }

private:
    struct compiled_rule {
        keys::key_range range;
        std::vector<keys::pattern> include;
        std::vector<keys::pattern> exclude;
        keys::mapping keys;
        std::string name;
        bool replays_deletes = true;
    };
    mapping(const std::vector<config::rule>& rules, std::string_view prefix, std::string_view checkpoint_prefix,
            std::optional<std::size_t> only);
    [[nodiscard]] bool takes(const compiled_rule& rule, std::string_view key) const;
    [[nodiscard]] std::vector<keys::key_range> taken_before(std::size_t index) const;
    void add_segments(const compiled_rule& rule, std::vector<keys::key_range> holes);
    void merge_segments();

    std::vector<compiled_rule> rules_;
    std::optional<std::size_t> only_;
    std::vector<segment> segments_;
    keys::key_range checkpoints_;  ///< kept out on both sides
    keys::key_range cover_;
    std::string digest_;
    bool takes_whole_segments_ = true;
    bool maps_ranges_ = true;
};

/// Where there are more segments than this, keys are not counted: each costs a request.
inline constexpr std::size_t most_segments_to_count = 64;

}  // namespace etcdsync::replication
