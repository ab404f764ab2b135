// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/record/checkpoint.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The guard that keeps a full sync from emptying or overwriting a slave by mistake (design.md P5).
/// Pure.
namespace etcdsync::replication {

/// The settings of one slave for the guard.
struct guard_policy {
    config::safety safety;
    /// The full sync is not held: an operator approved it, or the configuration did.
    bool approved = false;
    bool accepts_other_master = false;  ///< an operator approved that the slave follows another master
    bool for_one_sync = false;          ///< the fields above and below end with the next full sync
    bool adopts_foreign_keys = false;   ///< foreign keys become ours
};

/// What a full sync does with a key that is only on the slave.
enum class disposition {
    remove,
    foreign,  ///< kept: it existed there before etcd-sync
    kept,     ///< kept by `delete = false` of its rule or `prune = "off"`
};

[[nodiscard]] disposition disposition_of(const mapping& keys, std::size_t rule, const config::safety& safety,
                                         const std::vector<span>& spans, std::string_view key, revision mod_revision);

/// The counts of one rule that a comparison found.
struct rule_census {
    std::uint64_t on_slave = 0;     ///< keys of the slave in the rule's span
    std::uint64_t overwrites = 0;   ///< on both sides, with different values
    std::uint64_t removals = 0;     ///< only on the slave, to be deleted
    std::uint64_t unexplained = 0;  ///< of the overwrites: not changed by the master after the slave equaled it
};

struct census {
    explicit census(std::size_t rule_count) : rules(rule_count) {}

    void note_overwrite(std::size_t rule, std::string_view key, bool explained);
    void note_slave_only(std::size_t rule, disposition what, std::string_view key);
    [[nodiscard]] std::uint64_t removals() const;
    /// The slave has exactly the keys it had when it equaled the master: what is missing on the master was deleted there.
    [[nodiscard]] bool is_untouched() const;

    std::vector<rule_census> rules;
    /// How many keys of ours the slave had when it last equaled the master; nothing: unknown.
    std::optional<std::int64_t> expected;
    std::uint64_t foreign = 0;
    std::uint64_t kept = 0;
    std::vector<std::string> touched;       ///< the first few keys that would be overwritten or deleted
    std::vector<std::string> foreign_keys;  ///< the first few
};

/// What is known of the master's history (design.md section 6.4).
enum class evidence : std::uint8_t {
    unproven,
    continuous,  ///< the master was not wiped: what it changed since explains differences
    proven,      ///< it has the history that the slave was copied from
};

/// Why a full sync with the counted changes must be held; empty: it may run. With a proven history only deletes count, and only if
/// the slave is not untouched; up to 100 of them are always allowed. With a continuous one unexplained overwrites count, too, and deletes of more than half of
/// the keys of a rule. Else all changes count.
[[nodiscard]] std::string guard_violation(const mapping& keys, const census& found, const guard_policy& guards,
                                          evidence of_master);

/// The keys as a list for messages: "/a/x, /a/y".
[[nodiscard]] std::string listed(const std::vector<std::string>& keys);

}  // namespace etcdsync::replication
