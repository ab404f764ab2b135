// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/exit_code.hpp"
#include "app/cli/options.hpp"
#include "replication/compare/inspection.hpp"
#include "replication/status/status.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How a command that ends by itself ended on each slave, and what that makes of the whole.
namespace etcdsync::app {

enum class outcome : std::uint8_t {
    good,       ///< in sync, or found equal
    different,  ///< compared: there are differences
    held,       ///< by a guard
    unreachable,
    denied,
    failed,
    interrupted,
};

[[nodiscard]] outcome outcome_of(etcd::error_class failure);

/// "unreachable": as scripts read it.
[[nodiscard]] std::string_view to_string(outcome how);

/// What is synced, compared and reported separately: a slave, or in consistency = "rule" one rule on a slave.
struct part {
    std::string slave;
    std::string rule = {};  ///< empty: all of them

    [[nodiscard]] std::string name() const { return replication::link_name(slave, rule); }
};

/// What a full sync done once did on one slave, or one rule of it.
struct slave_result {
    part of;
    outcome how = outcome::good;
    std::string cause;  ///< empty where it is good
    etcd::revision revision = 0;
    std::uint64_t puts = 0;
    std::uint64_t deletes = 0;
    std::uint64_t foreign = 0;  ///< keys only on the slave that were kept: they stood there before the first sync
    std::uint64_t kept = 0;     ///< the same, by `delete = false` or `prune = "off"`
};

/// What a sync of all slaves came to. The results of a slave stand together.
struct sync_result {
    std::vector<slave_result> slaves;
    etcd::revision master_revision = 0;    ///< everything up to here is known, of the rules it lets us read
    std::optional<outcome> master_failed;  ///< the work ended for it
    std::string master_cause;
};

/// The master lets us read nothing at all. If it refuses only some rules, their links report that.
[[nodiscard]] bool is_refused(const replication::status& by);

/// Reads a replicator's last status. `master_gone`: its links did not end by themselves, but for the master.
[[nodiscard]] sync_result judge(const replication::status& at_end, bool master_gone);

[[nodiscard]] outcome outcome_of(const replication::inspection_report& report);

/// The one code for all parts. Where several apply, the one that asks a person for most comes first: held, then differences; then
/// partial where some went well and some failed; then what all that failed have in common: denied where one was, unreachable
/// where all are, else failed.
[[nodiscard]] exit_code code_for(const std::vector<outcome>& parts);
[[nodiscard]] std::vector<outcome> outcomes(const std::vector<slave_result>& slaves);

/// `edge-1: in sync at revision 123: 12 puts, 3 deletes`
[[nodiscard]] std::string result_line(const slave_result& of);

/// `; 5 keys only on the slave kept`; empty where there are none.
[[nodiscard]] std::string kept_text(std::uint64_t keys);

/// All slaves in one object, on one line.
[[nodiscard]] std::string result_json(const sync_result& all);

}  // namespace etcdsync::app
