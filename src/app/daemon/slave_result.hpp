// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/exit_code.hpp"
#include "replication/compare/inspection.hpp"
#include "replication/status/status.hpp"
#include "replication/status/suggestions.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The results of a one-shot command on each slave, and its exit code. The text is in app/render.
namespace etcdsync::app {

enum class outcome : std::uint8_t {
    good,       ///< in sync, or equal
    different,  ///< compared: there are differences
    held,       ///< by a guard
    unreachable,
    denied,
    failed,
    interrupted,
};

[[nodiscard]] outcome outcome_of(etcd::error_class failure);

/// A unit that is synced, compared and reported by itself: a slave, or in consistency = "rule" one rule on a slave.
struct part {
    std::string slave;
    std::string rule = {};  ///< empty: all rules

    [[nodiscard]] std::string name() const { return replication::link_name(slave, rule); }
};

/// The result of a one-shot full sync on one slave, or one rule of it.
struct slave_result {
    part of;
    outcome how = outcome::good;
    std::string cause;       ///< of a failure
    bool by_master = false;  ///< the master is what failed
    etcd::revision revision = 0;
    std::uint64_t puts = 0;
    std::uint64_t deletes = 0;
    std::uint64_t foreign = 0;      ///< foreign keys that were kept
    std::uint64_t kept = 0;         ///< keys only on the slave, kept by `delete = false` or `prune = "off"`
    std::string approved;           ///< the cause of the hold that was approved; empty: none
    replication::suggestions next;  ///< what to do about a failure
};

/// The result of a one-shot sync of all slaves. The parts of a slave are adjacent.
struct sync_result {
    std::vector<slave_result> slaves;
    etcd::revision master_revision = 0;    ///< newest revision seen, of the rules that may be read
    std::optional<outcome> master_failed;  ///< the work ended because of it
    std::string master_cause;
};

/// True if the master denies access to everything. If it denies only some rules, their links report that.
[[nodiscard]] bool is_refused(const replication::status& by);

/// Evaluates the last status of a replicator. `master_gone`: the master failed before the links ended by themselves.
/// `program`: of suggested commands.
[[nodiscard]] sync_result evaluate(const replication::status& at_end, bool master_gone, const std::string& program);

[[nodiscard]] outcome outcome_of(const replication::inspection_report& report);

/// What to do about the outcome of a comparison.
[[nodiscard]] replication::suggestions suggest(const std::string& program, const part& of,
                                               const replication::inspection_report& report);

/// True if the work was done: what a comparison found is a result, too.
[[nodiscard]] bool is_success(outcome how);

/// The exit code for all parts. If several apply: held, then partial (some failed, others did not), then differences, then denied
/// (one is), then unreachable (all are), else failed.
[[nodiscard]] exit_code code_for(const std::vector<outcome>& parts);
[[nodiscard]] std::vector<outcome> outcomes(const std::vector<slave_result>& slaves);

}  // namespace etcdsync::app
