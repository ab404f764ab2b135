// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/key_range.hpp"
#include "replication/mapping/mapping.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// The key of the checkpoint of a rule in consistency = "rule":
/// `<checkpoint_prefix><instance>/<rule>`. In the rule's name, "%", blanks and all bytes that are
/// not printable ASCII are written as %XX, so that every name has its own key and plain names stay
/// readable, such as "app" and "/config/app/".
[[nodiscard]] std::string rule_checkpoint_key(std::string_view checkpoint_prefix, std::string_view instance,
                                              std::string_view rule);

/// A checkpoint that the configuration wants on a slave, and its keys.
struct wanted_record {
    std::string key;
    mapping keys;
};

/// The checkpoints of one instance on one slave: one in consistency = "all", or one per rule. There
/// are never checkpoints of both modes at the same time: each Txn of a link compares that none of
/// the other mode exists, and a link that finds one replaces all checkpoints of the slave by those
/// of its own mode in a single Txn (migration.hpp).
class record_set {
public:
    record_set(std::string_view checkpoint_prefix, std::string_view instance, config::consistency_mode mode);

    /// Adds a wanted checkpoint. In mode "all" there is one.
    void add(std::string key, mapping keys) { wanted_.push_back({std::move(key), std::move(keys)}); }

    /// Adds the keys of a checkpoint of the other mode: with them it can still prove the history
    /// after the mode was changed.
    void add_former(mapping keys) { former_.push_back(std::move(keys)); }

    /// The keys of a checkpoint with this digest of the rules; `otherwise` if the digest is
    /// unknown.
    [[nodiscard]] const mapping& keys_of(std::string_view digest, const mapping& otherwise) const;

    [[nodiscard]] const std::vector<wanted_record>& wanted() const { return wanted_; }

    /// The key of the checkpoint of mode "all".
    [[nodiscard]] const std::string& all_mode_key() const { return all_mode_key_; }

    /// The keys of the checkpoints of mode "rule". No other instance writes there: names of
    /// instances have no "/".
    [[nodiscard]] const keys::key_range& per_rule() const { return per_rule_; }

    [[nodiscard]] bool is_per_rule() const { return mode_ == config::consistency_mode::rule; }

    /// The key or interval of the other mode, which must be empty while a link of this mode writes.
    [[nodiscard]] keys::key_range other_mode() const {
        return is_per_rule() ? keys::key_range{all_mode_key_, {}} : per_rule_;
    }

private:
    std::string all_mode_key_;
    keys::key_range per_rule_;
    config::consistency_mode mode_;
    std::vector<wanted_record> wanted_;
    std::vector<mapping> former_;
};

/// The checkpoints wanted on a slave, each with its keys: one, or in consistency = "rule" one per
/// rule.
[[nodiscard]] record_set records_for(const config::config& settings, const config::slave& slave);

}  // namespace etcdsync::replication
