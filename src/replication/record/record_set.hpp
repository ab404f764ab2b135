// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/key_range.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/record/checkpoint.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// The keys of the checkpoint in consistency = "all": `<checkpoint_prefix><instance>` and
/// `<checkpoint_prefix><instance>:manifest`.
[[nodiscard]] checkpoint_keys all_mode_keys(std::string_view checkpoint_prefix, std::string_view instance);

/// The keys of the checkpoint of a rule in consistency = "rule":
/// `<checkpoint_prefix><instance>/<rule>` and `<checkpoint_prefix><instance>:manifest/<rule>`. In
/// the rule's name, "%", blanks and all bytes that are not printable ASCII are written as %XX, so
/// that every name has its own key and plain names stay readable, such as "app" and "/config/app/".
[[nodiscard]] checkpoint_keys rule_keys(std::string_view checkpoint_prefix, std::string_view instance,
                                        std::string_view rule);

/// A checkpoint that the configuration wants on a slave, and the keys it is about.
struct wanted_record {
    checkpoint_keys at;
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
    void add(checkpoint_keys at, mapping keys) { wanted_.push_back({std::move(at), std::move(keys)}); }

    /// The rules of the checkpoints of both modes.
    void set_rules(std::shared_ptr<const rule_table> rules) { rules_ = std::move(rules); }

    /// The keys of a checkpoint of the other mode with this digest of the rules: with them it can still prove the history after
    /// the mode was changed. Nothing if the rules have changed as well.
    [[nodiscard]] std::optional<mapping> keys_in_other_mode(std::string_view digest) const;

    [[nodiscard]] const std::vector<wanted_record>& wanted() const { return wanted_; }

    /// The key of the position of mode "all".
    [[nodiscard]] const std::string& all_mode_key() const { return all_mode_.position; }

    /// The keys of the positions of mode "rule". No other instance writes there: names of
    /// instances have no "/".
    [[nodiscard]] const keys::key_range& per_rule() const { return per_rule_; }

    /// All keys of the instance, in both modes: what a user needs readwrite permission for. ";" follows ":". The interval also
    /// contains the checkpoints of instances whose names are this one and a digit.
    [[nodiscard]] keys::key_range all_keys() const { return {all_mode_.position, all_mode_.position + ";"}; }

    /// The keys of the manifests of both modes, and possibly others: names of instances have no ":".
    [[nodiscard]] keys::key_range manifests() const { return keys::prefix_range(all_mode_.manifest); }

    /// The keys of the checkpoint with this position, one of this instance.
    [[nodiscard]] checkpoint_keys keys_at(std::string_view position) const;

    [[nodiscard]] bool is_per_rule() const { return mode_ == config::consistency_mode::rule; }

    /// The key or interval of the other mode, which must be empty while a link of this mode writes.
    [[nodiscard]] keys::key_range other_mode() const {
        return is_per_rule() ? keys::key_range{all_mode_.position, {}} : per_rule_;
    }

private:
    checkpoint_keys all_mode_;
    keys::key_range per_rule_;
    config::consistency_mode mode_;
    std::vector<wanted_record> wanted_;
    std::shared_ptr<const rule_table> rules_;
};

/// The checkpoints wanted on a slave, each with its keys: one, or in consistency = "rule" one per
/// rule.
[[nodiscard]] record_set records_for(const config::config& settings, const config::slave& slave);

}  // namespace etcdsync::replication
