// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/key_range.hpp"
#include "replication/mapping/mapping.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// Where the record of a rule stands in consistency = "rule": `<checkpoint_prefix><instance>/<rule>`. Of the rule's name, "%", blanks
/// and all that is not ASCII or cannot be printed is written as %XX, so that every name, whatever its bytes, has a key of its own
/// and plain names are readable: "app" and "/config/app/" stand as they are.
[[nodiscard]] std::string rule_checkpoint_key(std::string_view checkpoint_prefix, std::string_view instance,
                                              std::string_view rule);

/// A record the configuration wants on a slave, and the keys it is about.
struct wanted_record {
    std::string key;
    mapping keys;
};

/// The records of one instance on one slave: the one of consistency = "all", or one a rule. At no time there are records of
/// both modes: each Txn of a link compares that there is none of the other mode, and who finds one turns all records of the
/// slave into those of its own mode in a single Txn (migration.hpp).
class record_set {
public:
    record_set(std::string_view checkpoint_prefix, std::string_view instance, config::consistency_mode mode);

    /// One more that is wanted. In mode "all" there is one.
    void add(std::string key, mapping keys) { wanted_.push_back({std::move(key), std::move(keys)}); }

    /// The keys of a record of the other mode: with them its history can be proved once more, after the mode was changed.
    void add_former(mapping keys) { former_.push_back(std::move(keys)); }

    /// The keys a record with this digest is about, `otherwise` where that is not known.
    [[nodiscard]] const mapping& keys_of(std::string_view digest, const mapping& otherwise) const;

    [[nodiscard]] const std::vector<wanted_record>& wanted() const { return wanted_; }

    /// The key of the one record of mode "all".
    [[nodiscard]] const std::string& all_mode_key() const { return all_mode_key_; }

    /// Where the records of mode "rule" stand. No other instance writes there: the names of instances hold no "/".
    [[nodiscard]] const keys::key_range& per_rule() const { return per_rule_; }

    [[nodiscard]] bool is_per_rule() const { return mode_ == config::consistency_mode::rule; }

    /// What of the other mode must not be there while a link of this one writes: a key, or an interval.
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

/// The records wanted on a slave, each with the keys it is about: one, or in consistency = "rule" one a rule.
[[nodiscard]] record_set records_for(const config::config& settings, const config::slave& slave);

}  // namespace etcdsync::replication
